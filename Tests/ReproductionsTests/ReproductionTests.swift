import Foundation
import Testing

@testable import Reproductions
@testable import SomaExperiments

@Suite struct ReproductionTests {
  @Test func catalogueNamesEachSystemOnce() {
    #expect(PublishedSystem.all.count == 198)
    #expect(PublishedSystem.all.map(\.number) == Array(1...198))
    #expect(Set(PublishedSystem.all.map(\.slug)).count == 198)
    #expect(Set(Reproduction.all.map(\.system.slug)).count == Reproduction.all.count)
  }

  @Test func unknownSystemOffersTheNearest() throws {
    let error = #expect(throws: ReproductionError.self) { try PublishedSystem.named("geluu") }
    #expect(error?.description == "geluu: no published system has this name; did you mean gelu, helu, relu2?")
    #expect(try PublishedSystem.named("020").slug == "gelu")
  }

  /// Shows that each check runs to its end and that what it found can be kept and shown; its figures mean nothing.
  @Test(arguments: Reproduction.all.map(\.system.slug)) func smokeRun(_ slug: String) throws {
    let reproduction = try #require(Reproduction.all.first { $0.system.slug == slug })
    let (record, finding) = try reproduction.run(effort: .smoke)
    #expect(!finding.summary.isEmpty && !finding.figures.isEmpty)
    for table in finding.tables { #expect(table.rows.allSatisfy { $0.count == table.columns.count }, "\(table.title)") }
    let folder = NSTemporaryDirectory() + "soma-results-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let results = ReproductionResults(folder: folder)
    try results.add(record)
    #expect(try results.all() == [record])
    #expect(reproduction.page(record, finding).html.contains("</html>"))
    let store = try RunStore(path: folder + "/runs.sqlite")
    try store.add(record)
    #expect(try store.reproductions()[slug]?.summary == record.summary)
  }
}
