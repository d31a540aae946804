import Foundation
import Soma

/// Recordings of biological signals (EEG, ECG, sleep): EDF (Kemp et al. 1992, doi 10.1016/0013-4694(92)90009-7), EDF+ with
/// annotations and gaps (Kemp, Olivan 2003, doi 10.1016/S1388-2457(03)00123-8), and BioSemi's BDF with 24 bits.
///
/// ```swift
/// let recording = try EDF.read("night.edf")
/// let eeg = recording.samples(of: 0)        // [n], in recording.signals[0].unit
/// ```
public enum EDF {
  /// - Throws: `DataError` if the file is unreadable, malformed, cut short or longer than its header says.
  public static func read(_ path: String) throws -> Recording { try decode(try readFile(path), file: path) }

  public static func decode(_ bytes: [UInt8], file: String) throws -> Recording {
    var reader = ByteReader(bytes, file: file)
    let version = Array(try reader.take(8, "the version"))
    let isWide = version.first == 0xFF && version.dropFirst().elementsEqual("BIOSEMI".utf8)
    guard isWide || version.elementsEqual("0       ".utf8) else {
      throw DataError(file, at: .byte(0), "is no EDF file: it does not start with a version 0")
    }
    var header = Header(reader)
    let patient = try header.text(80, "the patient")
    let name = try header.text(80, "the recording")
    let start = try header.start()
    let headerSize = try header.whole(8, "the size of the header")
    let kind = try header.text(44, "the reserved field")
    let claimedCount = try header.whole(8, "the number of records")
    let duration = try header.number(8, "the length of a record")
    let signalCount = try header.whole(4, "the number of signals")
    guard (1...4096).contains(signalCount) else {
      throw DataError(file, at: .byte(252), "\(signalCount) signals; between 1 and 4096 are read")
    }
    guard headerSize == 256 * (signalCount + 1) else {
      throw DataError(
        file, at: .byte(184),
        "the header has \(headerSize) bytes; \(signalCount) signals take \(256 * (signalCount + 1))")
    }
    guard duration >= 0 else { throw DataError(file, at: .byte(244), "a record lasts \(duration) seconds") }
    let signals = try header.signals(signalCount)
    reader = header.reader

    let width = isWide ? 3 : 2
    let sizes = signals.map(\.samplesPerRecord)
    guard let samples = checkedSum(sizes), let recordSize = checkedProduct([samples, width]), recordSize > 0 else {
      throw DataError(file, at: .byte(256), "the records have no samples, or more than any memory holds")
    }
    let count = claimedCount == -1 ? reader.remaining / recordSize : claimedCount
    guard count >= 0, let total = checkedProduct([count, recordSize]) else {
      throw DataError(file, at: .byte(236), "\(count) records")
    }
    guard claimedCount == -1 || reader.remaining == total else {
      throw DataError(
        file, at: .byte(reader.offset),
        "\(reader.remaining) bytes follow the header; \(count) records of \(recordSize) take \(total)")
    }
    return try Recording(
      patient: patient, name: name, start: start, isContinuous: !kind.hasPrefix("EDF+D") && !kind.hasPrefix("BDF+D"),
      duration: duration, recordCount: count, signals: signals, bytes: bytes[reader.offset..<reader.offset + total],
      width: width, file: file)
  }

  /// The fields of a header: text of fixed lengths.
  private struct Header {
    var reader: ByteReader

    init(_ reader: ByteReader) { self.reader = reader }

    mutating func text(_ count: Int, _ what: String) throws -> String {
      let place = reader.offset
      let bytes = try reader.take(count, what)
      guard bytes.allSatisfy({ $0 >= 32 || $0 == 0 }) else {
        throw DataError(reader.file, at: .byte(place), "\(what) holds control characters")
      }
      // The standard asks for ASCII; files in Latin letters exist, in UTF-8 or with a letter a byte.
      let used = bytes.prefix { $0 != 0 }
      let text = String(validating: used, as: UTF8.self) ?? String(used.map { Character(Unicode.Scalar($0)) })
      return text.trimmingCharacters(in: .whitespaces)
    }

    mutating func number(_ count: Int, _ what: String) throws -> Double {
      let place = reader.offset
      let text = try text(count, what)
      guard let value = Double(text), value.isFinite else {
        throw DataError(reader.file, at: .byte(place), "\(what) is \(quoted(text)), no number")
      }
      return value
    }

    mutating func whole(_ count: Int, _ what: String) throws -> Int {
      let place = reader.offset
      let text = try text(count, what)
      guard let value = Int(text) else {
        throw DataError(reader.file, at: .byte(place), "\(what) is \(quoted(text)), no whole number")
      }
      return value
    }

    /// `dd.mm.yy` and `hh.mm.ss`; years from 85 on are of the last century.
    mutating func start() throws -> DateComponents? {
      let date = try text(8, "the date").split(separator: ".").map { Int($0) }
      let time = try text(8, "the time").split(separator: ".").map { Int($0) }
      // Anonymous files have other signs here.
      guard date.count == 3, time.count == 3, let day = date[0], let month = date[1], let year = date[2],
        let hour = time[0], let minute = time[1], let second = time[2]
      else { return nil }
      return DateComponents(
        year: year >= 85 ? 1900 + year : 2000 + year, month: month, day: day, hour: hour, minute: minute, second: second
      )
    }

    mutating func signals(_ count: Int) throws -> [Recording.Signal] {
      func each<Value>(_ read: (inout Header) throws -> Value) throws -> [Value] {
        try (0..<count).map { _ in try read(&self) }
      }
      let labels = try each { try $0.text(16, "a label") }
      let transducers = try each { try $0.text(80, "a transducer") }
      let units = try each { try $0.text(8, "a unit") }
      let lows = try each { try $0.number(8, "a physical minimum") }
      let highs = try each { try $0.number(8, "a physical maximum") }
      let digitalLows = try each { try $0.whole(8, "a digital minimum") }
      let digitalHighs = try each { try $0.whole(8, "a digital maximum") }
      let filters = try each { try $0.text(80, "a filter") }
      let place = reader.offset
      let sizes = try each { try $0.whole(8, "a number of samples") }
      _ = try each { try $0.text(32, "a reserved field") }
      return try (0..<count).map { i in
        guard sizes[i] >= 0 else {
          throw DataError(reader.file, at: .byte(place + 8 * i), "\(sizes[i]) samples of signal \(i) in a record")
        }
        let signal = Recording.Signal(
          label: labels[i], transducer: transducers[i], unit: units[i], filter: filters[i],
          physical: (lows[i], highs[i]), digital: (digitalLows[i], digitalHighs[i]), samplesPerRecord: sizes[i])
        guard signal.isAnnotation || digitalLows[i] < digitalHighs[i] else {
          throw DataError(
            reader.file, at: .byte(place),
            "signal \(quoted(labels[i])) has digital values from \(digitalLows[i]) to \(digitalHighs[i])")
        }
        return signal
      }
    }
  }
}

/// The sum of counts that are not negative, or nil if it does not fit an `Int`.
private func checkedSum(_ counts: [Int]) -> Int? {
  var sum = 0
  for count in counts {
    let (value, overflow) = sum.addingReportingOverflow(count)
    guard !overflow else { return nil }
    sum = value
  }
  return sum
}
