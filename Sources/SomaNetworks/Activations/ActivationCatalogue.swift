import Soma
import Synchronization

extension Activation {
  /// The 451 activations of the survey, in its order (Kunc & Kléma 2024, arXiv 2402.09092; formulas from the original
  /// papers where the survey and its implementations disagree).
  public static let all: [Activation] = ActivationEntry.survey.map { known($0.name) }

  /// What libraries have and the survey has not; `named` finds them too.
  public static let further: [Activation] = ActivationEntry.further.map { known($0.name) }

  /// Other names, and the entry (with values of its parameters) that they mean.
  public static let aliases: [String: ActivationAlias] = ActivationAlias.all

  /// The classes of the survey, in its order.
  public static let families: [String] = all.map(\.family).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }

  /// The entries of a class (all if nil) for which a condition holds.
  public static func find(family: String? = nil, where condition: (Activation) -> Bool = { _ in true }) -> [Activation]
  {
    (all + further).filter { (family == nil || $0.family == family) && condition($0) }
  }

  /// An activation by name or alias, with other parameters if wanted: `gelu`, `leaky-relu(a=20)`, `taaf(g=relu)`,
  /// `abu(g=[relu,tanh])`.
  /// - Throws: `ActivationError` with the nearest names, or with the constraint that a value breaks.
  public static func named(_ text: String, _ values: [String: Double] = [:]) throws(ActivationError) -> Activation {
    var (name, given) = (text, values.mapValues { ActivationParameter.Value.number($0) })
    if let open = text.firstIndex(of: "("), text.hasSuffix(")") {
      name = String(text[..<open])
      for pair in text[text.index(after: open)...].dropLast().splitOutsideBrackets() {
        let parts = pair.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
        guard parts.count == 2 else { throw .malformedParameter(text: pair, reason: "expected name=value") }
        given[parts[0]] = try ActivationParameter.parseValue(parts[1]) { reason in
          .malformedParameter(text: pair, reason: reason)
        }
      }
    }
    let key = name.lowercased().map { $0 == "_" || $0 == " " ? "-" : String($0) }.joined()
    let base: Activation
    if entries[key] != nil {
      base = try entry(key)
    } else if let alias = aliases[key] {
      base = try alias.activation()
    } else {
      throw .unknownName(name, nearest: nearestNames(to: key, among: entries.keys.sorted() + aliases.keys.sorted()))
    }
    return given.isEmpty ? base : try base.with(given)
  }

  private static let entries: [String: ActivationEntry] = Dictionary(
    uniqueKeysWithValues: (ActivationEntry.survey + ActivationEntry.further).map { ($0.name, $0) })
  private static let made = Mutex<[String: Activation]>([:])

  /// An entry by its own name. A formula is read once.
  static func entry(_ name: String) throws(ActivationError) -> Activation {
    if let known = made.withLock({ $0[name] }) { return known }
    guard let entry = entries[name] else { throw .unknownName(name, nearest: []) }
    let activation = try entry.activation()
    made.withLock { $0[name] = activation }
    return activation
  }

  /// An entry that the catalogue has.
  static func known(_ name: String) -> Activation {
    do { return try entry(name) } catch { fatalError("the catalogue's entry \(name): \(error)") }
  }

  public static let identity = known("identity")
  public static let relu = known("relu")
  public static let leakyReLU = known("leaky-relu")
  public static let gelu = known("gelu")
  public static let geluTanh = known("gelu-tanh")
  public static let geluSigmoid = known("gelu-sigmoid")
  public static let silu = known("silu")
  public static let mish = known("mish")
  public static let elu = known("elu")
  public static let selu = known("selu")
  public static let tanh = known("tanh")
  public static let sine = known("sine")
  public static let sigmoid = known("sigmoid")
  public static let softplus = known("softplus")
  public static let hardSwish = known("hard-swish")
  public static let glu = known("glu")
  public static let softmax = known("softmax")
}

extension Substring {
  /// Parts between commas that stand outside brackets.
  fileprivate func splitOutsideBrackets() -> [String] {
    var (parts, current, depth) = ([String](), "", 0)
    for character in self {
      if character == "[" || character == "(" { depth += 1 }
      if character == "]" || character == ")" { depth -= 1 }
      if character == ",", depth == 0 {
        parts.append(current)
        current = ""
      } else {
        current.append(character)
      }
    }
    return current.allSatisfy(\.isWhitespace) ? parts : parts + [current]
  }
}
