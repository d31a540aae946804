import Soma

/// Packs symbols by an adaptive model of their frequencies, close to their entropy: arithmetic coding with 32-bit bounds (Witten, Neal &
/// Cleary 1987). Coder and decoder learn the same counts, so no table is stored.
public enum ArithmeticCoder {
  private static let half: UInt64 = 1 << 31
  private static let quarter: UInt64 = 1 << 30
  private static let whole: UInt64 = 1 << 32

  /// Counts of symbols as a binary indexed tree.
  private struct Model {
    let symbols: Int
    private var tree: [UInt32]
    private(set) var total: UInt64 = 0

    init(_ symbols: Int) {
      self.symbols = symbols
      tree = [UInt32](repeating: 0, count: symbols + 1)
      for s in 0..<symbols { add(s, 1) }
    }

    mutating func add(_ symbol: Int, _ count: UInt32) {
      var i = symbol + 1
      while i <= symbols {
        tree[i] += count
        i += i & -i
      }
      total += UInt64(count)
    }

    /// How often symbols below `symbol` came.
    func below(_ symbol: Int) -> UInt64 {
      var (i, sum) = (symbol, UInt64(0))
      while i > 0 {
        sum += UInt64(tree[i])
        i -= i & -i
      }
      return sum
    }

    /// The symbol in whose range a count lies.
    func symbol(at count: UInt64) -> Int {
      var (place, left) = (0, count)
      var step = 1
      while step * 2 <= symbols { step *= 2 }
      while step > 0 {
        if place + step <= symbols, UInt64(tree[place + step]) <= left {
          place += step
          left -= UInt64(tree[place])
        }
        step /= 2
      }
      return place
    }

    /// A symbol came: it counts 32, so that a few hundred symbols outweigh the first guess that all are alike.
    mutating func learn(_ symbol: Int) {
      if total < 1 << 28 { add(symbol, 32) }
    }
  }

  /// - Precondition: symbols in `0 ..< alphabet`, an alphabet of 1 to 2¹⁶.
  public static func encode(_ symbols: [Int], alphabet: Int) -> [UInt8] {
    require(
      (1...65536).contains(alphabet) && symbols.allSatisfy { (0..<alphabet).contains($0) },
      "symbols of an alphabet of \(alphabet)")
    var model = Model(alphabet)
    var writer = BitWriter()
    var (low, high) = (UInt64(0), whole - 1)
    var pending = 0
    func emit(_ bit: Bool, _ writer: inout BitWriter) {
      writer.put(bit)
      while pending > 0 {
        writer.put(!bit)
        pending -= 1
      }
    }
    for symbol in symbols {
      let width = high - low + 1
      let (start, end, total) = (model.below(symbol), model.below(symbol + 1), model.total)
      high = low + width * end / total - 1
      low = low + width * start / total
      while true {
        if high < half {
          emit(false, &writer)
        } else if low >= half {
          emit(true, &writer)
          low -= half
          high -= half
        } else if low >= quarter, high < 3 * quarter {
          pending += 1
          low -= quarter
          high -= quarter
        } else {
          break
        }
        low = low * 2
        high = high * 2 + 1
      }
      model.learn(symbol)
    }
    pending += 1
    emit(low >= quarter, &writer)
    return writer.bytes
  }

  /// The symbols of `encode`; bytes that it did not make give some symbols, never a fault.
  public static func decode(_ bytes: [UInt8], count: Int, alphabet: Int) -> [Int] {
    var model = Model(alphabet)
    var reader = BitReader(bytes: bytes)
    var (low, high, value) = (UInt64(0), whole - 1, UInt64(0))
    for _ in 0..<32 { value = value * 2 + reader.next() }
    var symbols: [Int] = []
    symbols.reserveCapacity(count)
    for _ in 0..<count {
      let width = high - low + 1
      let total = model.total
      let place = min(((value - low + 1) * total - 1) / width, total - 1)
      let symbol = model.symbol(at: place)
      symbols.append(symbol)
      let (start, end) = (model.below(symbol), model.below(symbol + 1))
      high = low + width * end / total - 1
      low = low + width * start / total
      while true {
        if high < half {
        } else if low >= half {
          low -= half
          high -= half
          value -= half
        } else if low >= quarter, high < 3 * quarter {
          low -= quarter
          high -= quarter
          value -= quarter
        } else {
          break
        }
        low = low * 2
        high = high * 2 + 1
        value = value * 2 + reader.next()
      }
      model.learn(symbol)
    }
    return symbols
  }

  private struct BitWriter {
    var bytes: [UInt8] = []
    private var used = 8
    mutating func put(_ bit: Bool) {
      if used == 8 {
        bytes.append(0)
        used = 0
      }
      if bit { bytes[bytes.count - 1] |= 1 << (7 - UInt8(used)) }
      used += 1
    }
  }

  private struct BitReader {
    let bytes: [UInt8]
    private var place = 0
    init(bytes: [UInt8]) { self.bytes = bytes }
    /// Zeros behind the end.
    mutating func next() -> UInt64 {
      defer { place += 1 }
      guard place / 8 < bytes.count else { return 0 }
      return UInt64(bytes[place / 8] >> (7 - UInt8(place % 8)) & 1)
    }
  }
}
