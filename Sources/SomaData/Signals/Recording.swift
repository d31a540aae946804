import Foundation
import Soma

/// Signals recorded together, as `EDF` reads them.
public struct Recording: Sendable {
  public struct Signal: Sendable {
    public let label: String
    public let transducer: String
    /// The unit of the samples, such as `uV`.
    public let unit: String
    public let filter: String
    /// The values that the digital limits stand for, in `unit`; the second may be the lower.
    public let physical: (low: Double, high: Double)
    public let digital: (low: Int, high: Int)
    public let samplesPerRecord: Int

    /// Whether it holds annotations, not samples.
    public var isAnnotation: Bool { label == "EDF Annotations" || label == "BDF Annotations" }
  }

  /// A remark at a time.
  public struct Annotation: Sendable, Hashable {
    /// Seconds since the recording's start.
    public var onset: Double
    /// Seconds; nil if the file does not say.
    public var duration: Double?
    public var text: String

    public init(onset: Double, duration: Double? = nil, text: String) {
      (self.onset, self.duration, self.text) = (onset, duration, text)
    }
  }

  /// The patient's field; identities in it are the file's business.
  public let patient: String
  public let name: String
  /// Nil if the file does not tell.
  public let start: DateComponents?
  /// Whether records follow each other without gaps.
  public let isContinuous: Bool
  /// Seconds of a record.
  public let recordDuration: Double
  public let recordCount: Int
  /// All signals, those with annotations included.
  public let signals: [Signal]
  public let annotations: [Annotation]
  /// When each record begins, in seconds since the start.
  public let recordStarts: [Double]

  private let bytes: [UInt8]
  private let width: Int
  private let offsets: [Int]
  private let recordSize: Int

  init(
    patient: String, name: String, start: DateComponents?, isContinuous: Bool, duration: Double, recordCount: Int,
    signals: [Signal], bytes: ArraySlice<UInt8>, width: Int, file: String
  ) throws {
    self.patient = patient
    self.name = name
    self.start = start
    self.isContinuous = isContinuous
    self.recordCount = recordCount
    self.signals = signals
    self.width = width
    self.bytes = Array(bytes)
    recordDuration = duration
    var sum = 0
    offsets = signals.map { signal in
      defer { sum += signal.samplesPerRecord * width }
      return sum
    }
    recordSize = sum
    var starts = (0..<recordCount).map { Double($0) * duration }
    var annotations = [Annotation]()
    var isFirst = true
    for (i, signal) in signals.enumerated() where signal.isAnnotation {
      for record in 0..<recordCount {
        let from = record * recordSize + offsets[i]
        let lists = try AnnotationLists(self.bytes[from..<from + signal.samplesPerRecord * width], file: file).lists
        for (j, list) in lists.enumerated() {
          // The first list of a record tells when it begins.
          if j == 0, isFirst, list.texts.first == "" { starts[record] = list.onset }
          annotations += list.texts.filter { !$0.isEmpty }.map {
            Annotation(onset: list.onset, duration: list.duration, text: $0)
          }
        }
      }
      isFirst = false
    }
    recordStarts = starts
    self.annotations = annotations
  }

  /// Samples a second of a signal; 0 if records have no length.
  public func rate(of signal: Int) -> Double {
    recordDuration > 0 ? Double(signals[signal].samplesPerRecord) / recordDuration : 0
  }

  /// The signals that hold samples.
  public var sampledSignals: [Int] { signals.indices.filter { !signals[$0].isAnnotation } }

  /// A signal's samples in its unit, one record behind the other.
  /// - Parameter records: a part of the recording; all if nil.
  /// - Shape: `[n]` `float32`
  public func samples(of signal: Int, records: Range<Int>? = nil) -> Tensor {
    require(signals.indices.contains(signal), "signal \(signal) of \(signals.count)")
    let records = records ?? 0..<recordCount
    require(records.lowerBound >= 0 && records.upperBound <= recordCount, "records \(records) of \(recordCount)")
    let info = signals[signal]
    let step = (info.physical.high - info.physical.low) / Double(max(1, info.digital.high - info.digital.low))
    let base = info.physical.low - step * Double(info.digital.low)
    var values = [Float]()
    values.reserveCapacity(records.count * info.samplesPerRecord)
    for record in records {
      var place = record * recordSize + offsets[signal]
      for _ in 0..<info.samplesPerRecord {
        // Little endian, the sign in the last byte.
        var number = Int(Int8(bitPattern: bytes[place + width - 1]))
        for i in stride(from: width - 2, through: 0, by: -1) { number = number << 8 | Int(bytes[place + i]) }
        values.append(Float(base + step * Double(number)))
        place += width
      }
    }
    return Tensor(values, shape: [values.count])
  }

  /// Several signals of one rate as rows.
  /// - Throws: `DataError` if their rates differ.
  /// - Shape: `[signals, n]` `float32`
  public func samples(of signals: [Int], records: Range<Int>? = nil) throws -> Tensor {
    guard Set(signals.map { self.signals[$0].samplesPerRecord }).count <= 1 else {
      throw DataError(name, "the signals have different rates; take those of one rate together")
    }
    return .stack(signals.map { samples(of: $0, records: records) }, axis: 0)
  }
}

/// Time-stamped lists of annotations: `+onset[\u{15}duration]\u{14}text\u{14}…\u{14}\0`.
private struct AnnotationLists {
  var lists: [(onset: Double, duration: Double?, texts: [String])] = []

  init(_ bytes: ArraySlice<UInt8>, file: String) throws {
    for part in bytes.split(separator: 0) {
      // The rest of a record is filled with zeros.
      let fields = part.split(separator: 0x14, omittingEmptySubsequences: false)
      let times = fields[fields.startIndex].split(separator: 0x15, omittingEmptySubsequences: false)
      guard fields.count > 1, fields.last?.isEmpty ?? false, times.count <= 2, let onset = Self.seconds(times[0]),
        times.count == 1 || Self.seconds(times[1]) != nil
      else { throw DataError(file, "an annotation is malformed: \(quoted(String(decoding: part, as: UTF8.self)))") }
      let duration = times.count == 2 ? Self.seconds(times[1]) : nil
      lists.append((onset, duration, fields.dropFirst().dropLast().map { String(decoding: $0, as: UTF8.self) }))
    }
  }

  private static func seconds(_ bytes: ArraySlice<UInt8>) -> Double? {
    Double(String(decoding: bytes, as: UTF8.self)).flatMap { $0.isFinite ? $0 : nil }
  }
}
