import Foundation
import Soma
import SomaData
import Testing

/// Recordings that pyEDFlib wrote (`Tests/Golden/make_signal_golden.py`).
@Suite struct EDFTests {
  private let first = (0..<300).map { 100 * sin(Double($0) / 7) }
  private let second = (0..<60).map { Double($0 % 40 - 20) }

  private func expectSignals(_ recording: Recording, levels: Double) throws {
    #expect(recording.recordCount == 6 && recording.recordDuration == 1 && recording.isContinuous)
    #expect(recording.recordStarts == [0, 1, 2, 3, 4, 5])
    #expect(recording.sampledSignals == [0, 1])
    let (eeg, temperature) = (recording.signals[0], recording.signals[1])
    #expect(eeg.label == "EEG Fpz-Cz" && eeg.unit == "uV" && eeg.transducer == "AgAgCl" && eeg.filter == "HP:0.1Hz")
    #expect(eeg.physical.low == -125 && eeg.physical.high == 125 && temperature.unit == "mV")
    #expect(recording.rate(of: 0) == 50 && recording.rate(of: 1) == 10)
    let (x, y) = (recording.samples(of: 0), recording.samples(of: 1))
    #expect(x.shape == [300] && y.shape == [60])
    // The file keeps the nearest of its levels, at most one step away.
    #expect(zip(x.doubles, first).allSatisfy { abs($0 - $1) <= 250 / levels * 1.01 + 1e-5 })
    #expect(zip(y.doubles, second).allSatisfy { abs($0 - $1) <= 60 / levels * 1.01 + 1e-5 })
    #expect(recording.samples(of: 0, records: 2..<4).doubles == Array(x.doubles[100..<200]))
  }

  @Test func plainRecording() throws {
    let recording = try EDF.read(Golden.path("plain.edf"))
    try expectSignals(recording, levels: 4095)
    #expect(recording.annotations.isEmpty && recording.signals.count == 2)
    let start = try #require(recording.start)
    #expect(start.year == 2021 && start.month == 3 && start.day == 4)
    #expect(start.hour == 5 && start.minute == 6 && start.second == 7)
    #expect(throws: DataError.self) { try recording.samples(of: [0, 1]) }
    #expect(try recording.samples(of: [0, 0], records: 0..<1).shape == [2, 50])
  }

  @Test func annotatedRecording() throws {
    let recording = try EDF.read(Golden.path("annotated.edf"))
    try expectSignals(recording, levels: 65535)
    #expect(
      recording.annotations == [
        .init(onset: 0.5, duration: nil, text: "begin"), .init(onset: 2.25, duration: 1.5, text: "Schlaf Stufe 2 – ü"),
      ])
    #expect(recording.patient.hasPrefix("code7"))
  }

  @Test func recordingOf24Bits() throws {
    let recording = try EDF.read(Golden.path("wide.bdf"))
    try expectSignals(recording, levels: 16_777_215)
    #expect(recording.annotations.map(\.text) == ["begin", "Schlaf Stufe 2 – ü"])
  }

  /// Records with gaps begin when their first list of annotations says.
  @Test func discontinuousRecording() throws {
    var bytes = try Golden.bytes("annotated.edf")
    bytes = bytes.patched(192, Array("EDF+D".utf8))
    let second = 1024 + (2428 - 1024) / 6 + 120
    #expect(Array(bytes[second..<second + 4]) == Array("+1\u{14}\u{14}".utf8))
    bytes = bytes.patched(second, Array("+9".utf8))
    let recording = try EDF.decode(bytes, file: "x")
    #expect(!recording.isContinuous && recording.recordStarts == [0, 9, 2, 3, 4, 5])
  }

  @Test func unknownNumberOfRecordsIsFound() throws {
    let bytes = try Golden.bytes("plain.edf").patched(236, Array("-1      ".utf8))
    #expect(try EDF.decode(bytes, file: "x").recordCount == 6)
    #expect(try EDF.decode(Array(bytes.dropLast(100)), file: "x").recordCount == 5)
  }

  @Test func damagedFiles() throws {
    let bytes = try Golden.bytes("annotated.edf")
    let field = { (place: Int, text: String) in bytes.patched(place, Array(text.utf8)) }
    // Fields of the three signals, one kind behind the other.
    func signal(_ before: Int, _ width: Int, _ i: Int) -> Int { 256 + 3 * before + width * i }
    let damages =
      [
        Damage("another version", field(0, "1"), "version 0"),
        Damage("no size", field(184, "x"), "size of the header"),
        Damage("another size", field(184, "512     "), "3 signals take 1024"),
        Damage("no records", field(236, "many    "), "number of records"),
        Damage("negative records", field(236, "-2      "), "-2 records"),
        Damage("too many records", field(236, "99999999"), "bytes follow the header"),
        Damage("too few records", field(236, "5       "), "bytes follow the header"),
        Damage("no duration", field(244, "nan     "), "length of a record"),
        Damage("negative duration", field(244, "-1      "), "lasts -1"),
        Damage("no signals", field(252, "0   "), "0 signals"),
        Damage("negative signals", field(252, "-3  "), "-3 signals"),
        Damage("many signals", field(252, "9999"), "9999 signals"),
        Damage("another number of signals", field(252, "2   "), "2 signals take 768"),
        Damage("control characters", bytes.patched(10, [7]), "control characters"),
        Damage("no physical limit", field(signal(16 + 80 + 8, 8, 1), "low     "), "physical minimum"),
        Damage("an infinite limit", field(signal(16 + 80 + 16, 8, 1), "inf     "), "physical maximum"),
        Damage("no digital limit", field(signal(16 + 80 + 24, 8, 0), "1.5     "), "digital minimum"),
        Damage("equal digital limits", field(signal(16 + 80 + 24, 8, 0), "32767   "), "digital values from 32767"),
        Damage("negative samples", field(signal(16 + 80 + 40 + 80, 8, 0), "-50     "), "-50 samples"),
        Damage("huge samples", field(signal(16 + 80 + 40 + 80, 8, 0), "99999999"), "bytes follow the header"),
        Damage("a malformed annotation", bytes.patched(1024 + 120, Array("x".utf8)), "annotation"),
        Damage("an endless annotation", bytes.patched(1024 + 122, [0x41, 0x41]), "annotation"),
      ] + truncations(bytes)
    expectRefused(damages, as: "night.edf") { try EDF.decode($0, file: "night.edf") }
    fuzz(bytes, rounds: 500) { bytes in
      let recording = try EDF.decode(bytes, file: "x")
      for signal in recording.signals.indices { _ = recording.samples(of: signal) }
    }
  }
}
