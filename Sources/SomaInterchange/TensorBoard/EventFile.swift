import Foundation
import Synchronization

/// A file of events that TensorBoard shows: records, each an `Event` message between its length and checksums
/// (the TFRecord format: length as 64 bits, the length's checksum, the message, its checksum; all little-endian).
///
/// What is written can be seen at once, also while a run goes on. Safe to use from several threads.
public final class EventFile: Sendable {
  public let path: String
  private let handle: Mutex<FileHandle>

  /// Begins a new file in a folder, which is made if it is missing. TensorBoard reads the files of a folder one after the
  /// other, by name.
  /// - Throws: `EventFileError`
  public init(in folder: String, at date: Date = Date()) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw EventFileError(folder, "cannot be made")
    }
    var name = ""
    var number = 0
    repeat {
      name = String(format: "events.out.tfevents.%010lld.%03d.soma", Int64(date.timeIntervalSince1970), number)
      number += 1
    } while FileManager.default.fileExists(atPath: folder + "/" + name)
    path = folder + "/" + name
    guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path)
    else { throw EventFileError(path, "cannot be written") }
    self.handle = Mutex(handle)
    try write(date, 0) { $0.fileVersion = "brain.Event:2" }
  }

  /// Whether a file is called as this library calls its event files.
  static func isOwn(_ name: String) -> Bool { name.hasPrefix("events.out.tfevents.") && name.hasSuffix(".soma") }

  deinit { handle.withLock { try? $0.close() } }

  /// Writes numbers of a step, such as `loss/training`.
  /// - Throws: `EventFileError`
  public func write(_ scalars: [String: Double], step: Int, at date: Date = Date()) throws {
    guard !scalars.isEmpty else { return }
    try write(date, step) { event in
      event.summary.value = scalars.sorted { $0.key < $1.key }.map { tag, number in
        var value = Soma_Tensorboard_Summary.Value()
        value.tag = tag
        value.simpleValue = Float(number)
        return value
      }
    }
  }

  /// - Throws: `EventFileError`
  public func write(_ histograms: [String: EventHistogram], step: Int, at date: Date = Date()) throws {
    guard !histograms.isEmpty else { return }
    try write(date, step) { event in
      event.summary.value = histograms.sorted { $0.key < $1.key }.map { tag, histogram in
        var value = Soma_Tensorboard_Summary.Value()
        value.tag = tag
        value.histo = Soma_Tensorboard_Histogram(histogram)
        return value
      }
    }
  }

  /// Writes a picture.
  /// - Parameters:
  ///   - png: a PNG file
  ///   - channels: 1 grey, 3 RGB, 4 RGBA
  /// - Throws: `EventFileError`
  public func write(
    png: [UInt8], width: Int, height: Int, channels: Int, as tag: String, step: Int, at date: Date = Date()
  ) throws {
    try write(date, step) { event in
      var value = Soma_Tensorboard_Summary.Value()
      value.tag = tag
      value.image.width = Int32(width)
      value.image.height = Int32(height)
      value.image.colorspace = Int32(channels)
      value.image.encodedImageString = Data(png)
      event.summary.value = [value]
    }
  }

  private func write(_ date: Date, _ step: Int, _ fill: (inout Soma_Tensorboard_Event) -> Void) throws {
    var event = Soma_Tensorboard_Event()
    event.wallTime = date.timeIntervalSince1970
    event.step = Int64(step)
    fill(&event)
    do {
      let record = Self.record(try event.serializedBytes())
      try handle.withLock { try $0.write(contentsOf: Data(record)) }
    } catch {
      throw EventFileError(path, "cannot be written; is the disk full?")
    }
  }

  /// A message between its length and checksums.
  static func record(_ message: [UInt8]) -> [UInt8] {
    func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
      (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    let length = bytes(UInt64(message.count))
    return length + bytes(RecordChecksum.masked(length)) + message + bytes(RecordChecksum.masked(message))
  }
}

extension Soma_Tensorboard_Histogram {
  fileprivate init(_ histogram: EventHistogram) {
    self.init()
    min = histogram.minimum
    max = histogram.maximum
    num = Double(histogram.count)
    sum = histogram.sum
    sumSquares = histogram.sumOfSquares
    bucketLimit = histogram.edges
    bucket = histogram.counts.map(Double.init)
  }
}

/// Why events cannot be written. Prints as one line.
public struct EventFileError: Error, Hashable, Sendable, CustomStringConvertible {
  public let path: String
  public let problem: String

  init(_ path: String, _ problem: String) { (self.path, self.problem) = (path, problem) }

  public var description: String { "\(path): \(problem)" }
}
