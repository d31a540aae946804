import Foundation
import Soma
import SomaData
import Testing

@Suite struct CSVTests {
  static func table(_ text: String, _ options: CSV.Options = .init()) throws -> TabularData {
    try CSV.decode(Array(text.utf8), file: "f.csv", options: options)
  }

  static let houses = """
    area,rooms,garden,city,sold,price
    80.5,3,true,Oslo,2024-02-29,250.5
    120,4,false,"Bergen, west",2024-03-01T12:00,?
    NA,2,TRUE,Oslo,1970-01-01,99.0
    61,,no,,1969-12-31 18:00:00+00:00,1e2
    """

  @Test func infersKinds() throws {
    let table = try Self.table(Self.houses)
    #expect(table.columns.map(\.kind) == [.number, .integer, .boolean, .category, .date, .number])
    #expect(table.rowCount == 4 && table.lines == [2, 3, 4, 5])
    #expect(table["area"]?.values[0] == 80.5 && table["area"]?.values[2].isNaN == true)
    #expect(table["rooms"]?.values[3].isNaN == true && table["garden"]?.values == [1, 0, 1, 0])
    #expect(table["city"]?.categories == ["Bergen, west", "Oslo"] && table["city"]?.values[1] == 0)
    #expect(table["city"]?.missingCount == 1)
    // 19782 = days from 1970-01-01 to 2024-02-29, by Python's datetime.
    #expect(table["sold"]?.values == [19782, 19783.5, 0, -0.25])
    #expect(table["price"]?.values[3] == 100)
  }

  /// Two dates and their days since 1970-01-01, by Python's `datetime`.
  static let dates: [(String, String, [Double])] = [
    ("2024/12/31", "2000-01-01", [20088.0, 10957]), ("31.12.2024", "1.1.2000", [20088, 10957]),
    ("12/31/2024", "1/1/2000", [20088, 10957]), ("31/12/2024", "1/1/2000", [20088, 10957]),
    ("1900-03-01", "1600-02-29", [-25508, -135081]),
    ("2024-12-31T06:00:00+02:00", "2000-01-01T00:00:43.2Z", [20088.166666666668, 10957.0005]),
  ]

  @Test(arguments: dates) func readsDates(_ a: String, _ b: String, _ days: [Double]) throws {
    let column = try Self.table("d,x\n\(a),1\n\(b),2").column("d")
    #expect(column.kind == .date)
    #expect(zip(column.values, days).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  @Test(arguments: [
    "2023-02-29", "2024-13-01", "2024-00-01", "24-01-01", "2024-01-01T24:00", "2024-01-01T1", "1.2", "1-2-3",
  ])
  func doesNotTakeThisForADate(_ text: String) throws {
    #expect(try Self.table("d,x\n\(text)x,1\n\(text),2").column("d").kind == .category)
    #expect(throws: DataError.self) { try Self.table("d,x\n\(text),1", .init(kinds: ["d": .date])) }
  }

  @Test func delimitersHeadersAndQuotes() throws {
    for (text, names) in [
      ("a;b\n1;2\n", ["a", "b"]), ("a\tb\n1\t2", ["a", "b"]), ("a|b\n1|2", ["a", "b"]),
      ("1,2\n3,4", ["column1", "column2"]),
      ("a,\n1,2", ["a", "column2"]), ("\u{FEFF}a,b\r\n1,2\r\n", ["a", "b"]), ("\"a;x\",b\n1,2", ["a;x", "b"]),
      ("a\n1\n", ["a"]),
    ] {
      #expect(try Self.table(text).columns.map(\.name) == names)
    }
    let quotes = try Self.table("a,b\n\"x \"\"y\"\"\nz\",1\n\nlast,2,\n".replacing("2,\n", with: "\n"))
    #expect(quotes["a"]?.categories == ["last", "x \"y\"\nz"] && quotes.lines == [2, 5])
    #expect(quotes["b"]?.values[1].isNaN == true)
    #expect(try Self.table("2020,2021\n1,2", .init(hasHeader: true)).columns.map(\.name) == ["2020", "2021"])
    #expect(try Self.table("a,b\n-,1\n3,2", .init(missing: ["-"])).column("a").missingCount == 1)
  }

  @Test func readsFilesPlainAndGzipped() throws {
    try withTemporaryDirectory { directory in
      try write("a\tb,c\n1\t2\n".utf8, "\(directory)/t.tsv")
      #expect(try CSV.read("\(directory)/t.tsv").columns.map(\.name) == ["a", "b,c"])
      try write(Gzip.compress(Array("a,b\n1,2\n".utf8)), "\(directory)/t.csv.gz")
      #expect(try CSV.read("\(directory)/t.csv.gz").rowCount == 1)
      try write(Self.houses.replacing("?", with: "7").utf8, "\(directory)/h.csv")
      #expect(try DataSet.open("\(directory)/h.csv", target: "price").train.isClassification == false)
      #expect(try DataSet.open("\(directory)/h.csv", target: "garden").train.classNames == ["false", "true"])
      #expect(throws: DataError.self) { try DataSet.open("\(directory)/none.csv") }
      #expect(throws: DataError.self) { try DataSet.open("\(directory)/h.csv", target: "none") }
    }
  }

  @Test func refusesDamage() throws {
    let numbers = (0..<12).map { "\($0),\($0 * 2)" }
    func numeric(_ cell: String) -> String { "a,b\n" + (numbers + ["\(cell),1"]).joined(separator: "\n") }
    let good = Array(Self.houses.utf8)
    let gz = Gzip.compress(good)
    let damages =
      [
        Damage("empty", "", "is empty"),
        Damage("blank lines", "\n\n\n", "is empty"),
        Damage("header only", "a,b\n", "line 1: has a header but no rows"),
        Damage("a cell too many", "a,b\n1,2\n3,4,5\n", "line 3: 3 cells; the header has 2"),
        Damage("a cell too few", "a,b\n1\n", "line 2: 1 cells; the header has 2"),
        Damage("cut in a row", "a,b,c\n1,2,3\n1,2", "line 3: 2 cells; the header has 3"),
        Damage("too many after lines in quotes", "a,b\n\"x\ny\",2\n3,4,5\n", "line 4: 3 cells"),
        Damage("no header, another length", "1,2\n3\n", "line 2: 1 cells; the first line has 2"),
        Damage("names twice", "a,b,a\n1,2,3\n", "line 1: two columns are named \"a\""),
        Damage("quote open", "a,b\n1,2\n\"x,2\n3,4\n", "line 3: a quote that opens here does not end"),
        Damage("quote open in the header", "\"a,b\n1,2\n", "line 1: a quote"),
        Damage("quote open at the end", "a,b\n1,\"", "a quote"),
        Damage("text after a quote", "a,b\n\"x\"y,2\n", "line 2: text follows a closing quote"),
        Damage("quote in the middle", "a,b\n1,2\nx\"y,2\n", "line 3: text follows"),
        Damage("no number", numeric("12x"), "line 14, column \"a\": \"12x\" is not a number, as"),
        Damage("two points", numeric("1.2.3"), "\"1.2.3\" is not a number"),
        Damage("hexadecimal", numeric("0x10"), "\"0x10\" is not a number"),
        Damage("infinity", numeric("inf"), "\"inf\" is not a number"),
        Damage("beyond double", numeric("1e999"), "\"1e999\" is not a number"),
        Damage("comma for a point", numeric("\"1,5\""), "\"1,5\" is not a number"),
        Damage("exponent without digits", numeric("1e"), "\"1e\" is not a number"),
        Damage("other digits", numeric("١٢"), "is not a number"),
        Damage("long cell", numeric(String(repeating: "x", count: 5000)), "xxx…\" is not a number"),
        Damage("escape sequence", numeric("\u{9B}31m"), "\\u"),
        Damage("Latin-1", Array("a,b\nK".utf8) + [0xF6] + Array("ln,1\n".utf8), "line 2: is not UTF-8 text: byte 0xF6"),
        Damage("UTF-16", [0xFF, 0xFE] + "a,b\n".utf16.flatMap { littleEndian($0) }, "is UTF-16"),
        Damage("UTF-16 without mark", "a,b\n".utf16.flatMap { littleEndian($0) }, "line 1: a control character (0)"),
        Damage("escape", "a,b\n1,\u{1B}[31m\n", "line 2: a control character (27)"),
        Damage("PNG", try Golden.bytes("rgb.png"), "is not UTF-8 text"),
        Damage("zip", Array("PK\u{3}\u{4}".utf8), "control character"),
        Damage("gz checksum", gz.patched(gz.count - 8, [0, 0, 0, 0]), "incorrect data check"),
      ] + truncations(gz).dropFirst(2)
    try withTemporaryDirectory { directory in
      let path = "\(directory)/t.csv"
      expectRefused(damages, as: path) { bytes in
        try write(bytes, path)
        return try CSV.read(path)
      }
    }
    for (kind, cell, message) in [
      (TabularData.Kind.number, "x", "is not a number"), (.integer, "1.5", "is not an integer"),
      (.boolean, "2", "is not true or false"), (.date, "2024-02-30", "is not a date"),
      (.integer, "9007199254740993", "is not an integer"),
    ] {
      let error = #expect(throws: DataError.self) { try Self.table("a,b\n\(cell),1\n", .init(kinds: ["a": kind])) }
      #expect(error?.description == "f.csv, line 2, column \"a\": \"\(cell)\" \(message)")
    }
    #expect(throws: DataError.self) { try Self.table("a\n1\n", .init(kinds: ["z": .number])) }
    fuzz(good, rounds: 2000) { try CSV.decode($0, file: "f") }
  }
}
