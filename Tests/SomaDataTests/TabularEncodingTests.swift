import Foundation
import Soma
import SomaData
import Testing

@Suite struct TabularEncodingTests {
  static func table(_ text: String) throws -> TabularData { try CSV.decode(Array(text.utf8), file: "f.csv") }

  static let text = "size,colour,flag,y\n1.5,red,true,a\n2,blue,false,b\nNA,red,yes,a\n4,,no,b\n"

  @Test func oneHotAndIndexCodes() throws {
    let table = try Self.table(Self.text)
    let data = try table.labeled(target: "y")
    #expect(data.featureNames == ["size", "colour=blue", "colour=red", "flag"])
    #expect(data.classNames == ["a", "b"] && data.labels == [0, 1, 0, 1])
    #expect(Array(data.values[..<8]) == [1.5, 0, 1, 1, 2, 1, 0, 0])
    #expect(data.values[8].isNaN && Array(data.values[12...]) == [4, 0, 0, 0])
    let codes = try table.labeled(target: "y", categories: .index)
    #expect(codes.featureNames == ["size", "colour", "flag"])
    #expect(codes.values[1] == 1 && codes.values[4] == 0 && codes.values[10].isNaN)
  }

  @Test func theTargetsTypeDecidesTheTask() throws {
    func encoding(_ values: [String], _ task: TabularEncoding.Task? = nil) throws -> TabularEncoding {
      let rows = values.enumerated().map { "\($0),\($1)" }.joined(separator: "\n")
      return try TabularEncoding(fitting: try Self.table("x,y\n" + rows), target: "y", task: task)
    }
    let ratings = (0..<50).map { String($0 % 5) }
    #expect(try encoding(ratings).target.classes == ["0", "1", "2", "3", "4"])
    #expect(try encoding((0..<50).map { String($0) }).target.task == .regression)
    #expect(try encoding(["1", "2", "1"]).target.task == .regression)
    #expect(try encoding(["1", "2", "1"], .classification).target.classes == ["1", "2"])
    #expect(try encoding(["10", "9", "10"], .classification).target.classes == ["9", "10"])
    #expect(try encoding(ratings, .regression).target.task == .regression)
    #expect(try encoding(["1.5", "2", "1"]).target.task == .regression)
    #expect(try encoding(["true", "false"]).target.classes == ["false", "true"])
    #expect(try encoding(["2024-01-01", "2024-01-02"]).target.task == .regression)
    #expect(throws: DataError.self) { try encoding(["a", "b"], .regression) }
    #expect(throws: DataError.self) { try encoding(["a", "a"]) }
    #expect(throws: DataError.self) { try encoding(["", ""]) }
  }

  @Test func anEncodingAppliesToAnotherTableAndIsStored() throws {
    let fitted = try TabularEncoding(fitting: try Self.table(Self.text), target: "y")
    let encoding = try JSONDecoder().decode(TabularEncoding.self, from: JSONEncoder().encode(fitted))
    #expect(encoding == fitted)
    // A colour never seen, other columns' order, no target.
    let other = try Self.table("flag,size,colour\nyes,7,green\nno,8,blue\n")
    #expect(try encoding.features(of: other) == [7, 0, 0, 1, 8, 1, 0, 0])
    let kinds = encoding.kinds
    #expect(kinds == ["size": .number, "colour": .category, "flag": .boolean, "y": .category])
    for (text, message) in [
      ("size,colour,flag\n1,red,yes\n", "f.csv: has no column \"y\"; its columns are"),
      ("size,colour,flag,y\n1,red,yes,c\n", "f.csv, line 2, column \"y\": \"c\" is not one of the 2 classes"),
      ("size,colour,flag,y\n1,red,yes,a\n1,red,no,\n", "f.csv, line 3, column \"y\": the target is missing"),
      ("size,colour,flag,y\nbig,red,yes,a\n", "column \"size\" is of kind category, not number"),
      ("size,colour,flag,y\n1e300,red,yes,a\n", "f.csv, line 2, column \"size\": 1e+300 is beyond single precision"),
    ] {
      let error = #expect(throws: DataError.self) { try encoding.labeled(try Self.table(text)) }
      #expect(error?.description.contains(message) == true, "\(error!)")
    }
  }

  @Test func columnsThatCannotHelpAreIgnored() throws {
    let rows = (0..<150).map { "name\($0),,\($0 % 7).5,\($0 % 2 == 0 ? "u" : "v")" }.joined(separator: "\n")
    let table = try Self.table("name,nothing,size,y\n" + rows)
    let encoding = try TabularEncoding(fitting: table, target: "y")
    #expect(encoding.features.map(\.name) == ["size"])
    #expect(encoding.ignored.map(\.name) == ["name", "nothing"])
    #expect(throws: DataError.self) { try TabularEncoding(fitting: table, target: "y", excluding: ["size"]) }
    #expect(throws: DataError.self) { try TabularEncoding(fitting: table, target: "y", excluding: ["none"]) }
    #expect(table.droppingMissing(in: ["name", "size"]).rowCount == 150 && table.droppingMissing().rowCount == 0)
  }
}
