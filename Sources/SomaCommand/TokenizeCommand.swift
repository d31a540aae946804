import ArgumentParser
import Foundation
import SomaData
import SomaInterchange

struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Cut texts into the tokens of a pretrained model.",
    discussion: """
      EXAMPLES
        soma tokenize all-MiniLM-L6-v2/tokenizer.json "Hello, world!"
        soma tokenize tokenizer.json --file lines.txt --json      one list of numbers a line
      """)

  @Argument(help: "A tokenizer.json, or the folder that holds one.") var tokenizer: String
  @Argument(help: "Texts.") var texts: [String] = []
  @Option(
    help: ArgumentHelp(
      "A file with one text a line; with one JSON string a line if it ends in .jsonl.", valueName: "file"))
  var file: String?
  @Flag(help: "Leave out the special tokens around a text.") var plain = false
  @OptionGroup(title: "Output") var output: OutputChoice

  func validate() throws {
    guard file != nil || !texts.isEmpty else { throw ValidationError("Give texts, or --file FILE.") }
  }

  func run() throws {
    let tokenizer = try Tokenizer.read(
      FileManager.default.fileExists(atPath: "\(tokenizer)/tokenizer.json") ? "\(tokenizer)/tokenizer.json" : tokenizer)
    for text in try texts + (file.map { try textLines($0) } ?? []) {
      let ids = tokenizer.encode(text, addsSpecialTokens: !plain).ids
      if output.json {
        print("[" + ids.map(String.init).joined(separator: ", ") + "]")
      } else {
        print(ids.map { "\(tokenizer.token($0)?.debugDescription ?? "?") \($0)" }.joined(separator: "  "))
      }
    }
  }
}

/// The texts of a file: its lines, or the JSON strings on them if its name ends in `.jsonl`.
func textLines(_ path: String) throws -> [String] {
  let lines = try TextFile.lines(path)
  guard path.hasSuffix(".jsonl") else { return lines }
  return try lines.enumerated().map { i, line in
    let value = try? JSONSerialization.jsonObject(with: Data(line.utf8), options: .fragmentsAllowed)
    guard let text = value as? String else { throw DataError(path, at: .line(i + 1), "is no JSON string") }
    return text
  }
}
