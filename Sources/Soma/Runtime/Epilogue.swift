/// A matrix product that is computed a few rows at a time, each time followed by the fused operations that read them, while
/// the rows are still in cache.
struct Epilogue: Sendable {
  /// Rows of a result that stay in the second-level cache beside the blocks of the operands.
  private static let cacheBytes = 1 << 18
  /// Under this many rows, reading the right operand anew costs too much.
  private static let fewestRows = 128
  /// A larger right operand does not stay in cache from one piece of rows to the next.
  private static let largestOperand = 1 << 18

  /// A larger result is written to memory in any case, and the product of the next rows hides that better than elementwise
  /// operations do (measured: 65536×128 times 128×128 and a sine took 15.3 ms in pieces, 13.4 ms one after the other).
  private static let largestResult = 1 << 20
  /// What an elementwise operation costs for each element, in multiply-adds.
  static let operationCost = 7

  /// The node of the graph that is the product.
  let node: Int
  let product: Product
  /// Rows of a piece. It does not depend on the number of threads, so that bits do not.
  let rows: Int

  /// - Returns: nil if the node is no product, or one that gains nothing from being cut into rows.
  init?(_ node: Int, _ graph: Graph) {
    guard case .dot(let dot) = graph.nodes[node].primitive else { return nil }
    let types = graph.nodes[node].inputs.map { graph.types[$0] }
    guard types[0].dtype == .float32 || types[0].dtype == .float64 else { return nil }
    let product = Product(dot, types[0], types[1])
    let count = product.rowCount
    guard count * product.n > 0 else { return nil }
    if count * product.n * (product.k + 8 * Epilogue.operationCost) < 2 * productGrain {
      // One thread does it all at once.
      rows = count
    } else {
      switch product.division {
      case .batches, .rows: break
      case .columns, .depth: return nil
      }
      guard product.n * product.k <= Epilogue.largestOperand else { return nil }
      guard count * product.n * types[0].dtype.size <= Epilogue.largestResult else { return nil }
      let fitting = Epilogue.cacheBytes / (product.n * types[0].dtype.size)
      let pieces = Swift.max(2, Swift.min(8, count / Epilogue.fewestRows)) & ~1
      // Eight rows are a tile, but pieces that fill all threads alike are worth more than whole tiles.
      let least = (count + pieces - 1) / pieces
      let whole = (least + 7) & ~7
      var rows = Swift.min(fitting & ~7, whole * pieces - count < whole / 4 ? whole : (least + 1) & ~1)
      // Whole matrices where several of them fit.
      if product.batches > 1, product.m <= rows { rows -= rows % product.m }
      guard rows >= Swift.min(Epilogue.fewestRows, product.m) else { return nil }
      self.rows = rows
    }
    self.node = node
    self.product = product
  }

  /// Whether rows of `inner` elements end where rows of the product do.
  func fits(inner: Int?) -> Bool {
    guard let inner else { return true }
    return product.n % inner == 0 || (inner % product.n == 0 && rows % (inner / product.n) == 0)
  }

  var pieces: Int { (product.rowCount + rows - 1) / rows }
  /// Bytes of a piece of the result.
  func pieceBytes(_ dtype: DType) -> Int { (rows * product.n * dtype.size + 63) & ~63 }
}
