import Foundation
import SomaExperiments
import Testing

@testable import SomaServer

/// The pages in a real browser. Without one these tests fail and say how to get it.
///
/// With `SOMA_SCREENSHOTS=FOLDER` the pictures are kept there.
@Suite(.serialized, .timeLimit(.minutes(5))) struct BrowserTests {
  /// Runs with a server and a browser.
  private func browsing(_ body: (Serving, Browser) async throws -> Void) async throws {
    let browser = try Browser()
    defer { browser.quit() }
    try await Serving.run { serving in try await body(serving, browser) }
  }

  static let pages: [(path: String, name: String)] = [
    ("/runs", "runs"), ("/runs/1", "run"), ("/systems", "systems"), ("/systems/gelu", "system"),
    ("/activations", "activations"), ("/activations/elu", "activation"), ("/networks", "networks"),
    ("/surfaces?data=iris&activation=tanh", "surface"), ("/nowhere", "error"),
  ]

  @Test(arguments: [360, 1600]) func pagesLoadWithoutComplaintsAndFit(_ width: Int) async throws {
    let kept = ProcessInfo.processInfo.environment["SOMA_SCREENSHOTS"]
    try await browsing { serving, browser in
      let store = try serving.store
      let id = try storedComparison(in: store)
      try store.add(finishedTrial(id, "relu", seed: 1))
      try store.note(
        LiveTrial(
          experimentID: id, candidate: "tanh", purpose: .final, seed: 1, learningRate: 0.01, epochs: 10,
          curve: curve(4)))
      for isDark in [false, true] {
        for (path, name) in Self.pages {
          let page = try await browser.page(width: width, isDark: isDark)
          try await page.open(serving.address + path)
          if name == "surface" {
            try await page.wait("the surface") {
              try await page.number("document.querySelectorAll('main svg').length") > 0
            }
          }
          // Time for what scripts do after loading.
          try await Task.sleep(for: .milliseconds(300))
          let complaints = page.complaints.filter { name != "error" || !$0.contains("404") }
          #expect(complaints.isEmpty, "\(path) at \(width): \(complaints)")
          let room = try await page.number("document.documentElement.scrollWidth")
          #expect(room <= Double(width), "\(path) is \(room) wide at \(width)")
          #expect(try await page.number("document.querySelectorAll('h1').length") == 1, "\(path)")
          #expect(page.requests.allSatisfy { $0.hasPrefix(serving.address) || $0.hasPrefix("data:") }, "\(path)")
          let picture = try await page.picture()
          #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]) && picture.count > 2000, "\(path)")
          if let kept {
            try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
            try picture.write(to: URL(fileURLWithPath: "\(kept)/\(name)-\(width)-\(isDark ? "dark" : "light").png"))
          }
          try await page.close()
        }
      }
    }
  }

  @Test func aLiveUpdateArrives() async throws {
    try await browsing { serving, browser in
      let store = try serving.store
      let id = try storedComparison(in: store)
      let page = try await browser.page(width: 1200)
      try await page.open(serving.address + "/runs/\(id)")
      #expect(try await page.text("document.body.textContent.includes('At work')") == "false")
      _ = try await page.text("window.untouched = 'yes'")
      for epoch in [3, 4] {
        try store.note(
          LiveTrial(
            experimentID: id, candidate: "relu", purpose: .final, seed: 2, learningRate: 0.01, epochs: 10,
            curve: curve(epoch)))
        try await page.wait("epoch \(epoch)") {
          try await page.text("document.body.textContent.includes('relu, seed 2: epoch \(epoch) of 10')") == "true"
        }
      }
      #expect(try await page.number("document.querySelectorAll('section path[class^=s]').length") >= 2)
      for seed in [1, 2] { for name in ["relu", "tanh"] { try store.add(finishedTrial(id, name, seed: seed)) } }
      try store.setStatus(.finished, of: id)
      try await page.wait("the end") {
        try await page.text("document.querySelector('.state').textContent.includes('finished')") == "true"
      }
      #expect(try await page.text("document.body.textContent.includes('At work')") == "false")
      #expect(try await page.text("document.body.textContent.includes('91.50 ± ')") == "true")
      // The page was changed, not loaded anew.
      #expect(try await page.text("window.untouched") == "yes")
      #expect(page.complaints.isEmpty, "\(page.complaints)")
    }
  }

  @Test func newRunsAppearInTheList() async throws {
    try await browsing { serving, browser in
      let page = try await browser.page(width: 1200)
      try await page.open(serving.address + "/runs")
      #expect(try await page.text("document.body.textContent.includes('There are no runs yet')") == "true")
      _ = try storedComparison(in: serving.store)
      try await page.wait("the run") {
        try await page.text("document.querySelector('a[href=\"/runs/1\"]') !== null") == "true"
      }
    }
  }

  @Test func pagesAreUsedWithKeysAlone() async throws {
    try await browsing { serving, browser in
      let page = try await browser.page(width: 1200)
      try await page.open(serving.address + "/activations/elu")
      var seen: [String] = []
      for _ in 0..<9 {
        try await page.press("Tab", code: 9)
        seen.append(
          try await page.text(
            "document.activeElement.id || document.activeElement.getAttribute('href') || document.activeElement.type"))
      }
      #expect(Array(seen.prefix(6)) == ["#content", "/runs", "/systems", "/activations", "/networks", "/surfaces"])
      #expect(seen.contains("p-a") && seen.contains("reset"), "\(seen)")
      _ = try await page.text("document.getElementById('p-a').focus()")
      let curve = "document.querySelector('#curve svg').innerHTML"
      let before = try await page.text(curve)
      for _ in 0..<20 { try await page.press("ArrowRight", code: 39) }
      try await page.wait("another curve") { try await page.text(curve) != before }
      #expect(try await page.text("document.activeElement.id") == "p-a")
      #expect(try await page.text("location.search.startsWith('?p.a=')") == "true")
      _ = try await page.text("document.querySelector('button[type=reset]').focus()")
      _ = try await page.text("document.querySelector('button[type=reset]').click()")
      try await page.wait("the first curve") { try await page.text(curve) == before }
      #expect(page.complaints.isEmpty, "\(page.complaints)")
    }
  }

  @Test func tablesAreFilteredAndSorted() async throws {
    try await browsing { serving, browser in
      let store = try serving.store
      let id = try storedComparison(in: store)
      for (seed, name) in [(1, "relu"), (2, "relu"), (1, "tanh")] { try store.add(finishedTrial(id, name, seed: seed)) }
      let page = try await browser.page(width: 1200)
      try await page.open(serving.address + "/systems")
      let shown = "[...document.querySelectorAll('#systems tbody tr')].filter(row => !row.hidden).length"
      #expect(try await page.number(shown) == Double(PublishedSystem.all.count))
      _ = try await page.text(
        "(box => { box.value = 'kolmogorov'; box.dispatchEvent(new Event('input', {bubbles: true})); })(document.querySelector('input[type=search]'))"
      )
      let expected = PublishedSystem.all.count {
        "\($0.slug) \($0.family.rawValue) \($0.title)".lowercased().contains("kolmogorov")
      }
      #expect(try await page.number(shown) == Double(expected) && expected > 0)

      try await page.open(serving.address + "/runs/\(id)")
      let first = "document.querySelector('table.sortable tbody th').textContent"
      let heading = "document.querySelector('table.sortable thead button')"
      _ = try await page.text("\(heading).click()")
      #expect(try await page.text(first).contains("relu"))
      _ = try await page.text("\(heading).click()")
      #expect(try await page.text(first).contains("tanh"))
      // The reader's order stays when the page follows the store.
      try store.add(finishedTrial(id, "tanh", seed: 2))
      try await page.wait("the new trial") {
        try await page.text("document.querySelector('progress') === null") == "true"
      }
      #expect(try await page.text(first).contains("tanh"))
    }
  }

  @Test func hostileRecordsRunNothing() async throws {
    let evil = "<img src=x onerror=\"window.hit=1\"><script>window.hit=2</script>"
    try await browsing { serving, browser in
      let store = try serving.store
      let id = try storedComparison(in: store, candidates: [evil, "tanh"], title: evil, dataSet: evil)
      try store.note(
        LiveTrial(
          experimentID: id, candidate: evil, purpose: .final, seed: 2, learningRate: 0.01, epochs: 10, curve: curve(3)))
      for path in ["/runs", "/runs/\(id)"] {
        let page = try await browser.page(width: 800)
        try await page.open(serving.address + path)
        // Also after the part was replaced by the script.
        try await Task.sleep(for: .milliseconds(600))
        #expect(try await page.text("window.hit") == "undefined")
        #expect(try await page.number("document.querySelectorAll('main script, main img').length") == 0)
        #expect(try await page.text("document.body.textContent.includes('<img src=x onerror=')") == "true")
        #expect(page.complaints.isEmpty, "\(page.complaints)")
      }
    }
  }
}
