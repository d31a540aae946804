/// What the best function that keeps the order of its inputs could reach on given samples: the price of the constraint.
public enum BestMonotone {
  /// The pairs (i, j) with `xᵢ ≤ xⱼ` in every feature and `tᵢ > tⱼ`, which no such function gets both right.
  /// - Complexity: O(n² d)
  public static func violations<T: Comparable>(_ x: [[Double]], _ t: [T]) -> [(low: Int, high: Int)] {
    precondition(x.count == t.count, "\(x.count) samples with \(t.count) targets")
    var result: [(low: Int, high: Int)] = []
    for i in x.indices {
      for j in x.indices where t[i] > t[j] && precedes(x[i], x[j]) { result.append((i, j)) }
    }
    return result
  }

  /// Whether `a ≤ b` in every element.
  static func precedes(_ a: [Double], _ b: [Double]) -> Bool {
    for k in a.indices where a[k] > b[k] { return false }
    return true
  }

  /// The highest accuracy of any order-preserving classifier with labels 0 and 1: `1 - μ/n`, μ the size of the largest set
  /// of violating pairs that share no sample (König 1931; Hopcroft, Karp 1973).
  public static func accuracy(_ x: [[Double]], _ t: [Int]) -> Double {
    guard !x.isEmpty else { return 1 }
    return 1 - Double(matching(violations(x, t), count: x.count)) / Double(x.count)
  }

  /// The size of a largest matching of the violating pairs.
  public static func matching(_ pairs: [(low: Int, high: Int)], count: Int) -> Int {
    var neighbours = [[Int]](repeating: [], count: count)
    for pair in pairs { neighbours[pair.low].append(pair.high) }
    var partner = [Int](repeating: -1, count: count)  // of the left side
    var owner = [Int](repeating: -1, count: count)  // of the right side
    var size = 0
    while true {
      // Layers of a breadth-first search from the free left samples.
      var level = [Int](repeating: -1, count: count)
      var queue = (0..<count).filter { partner[$0] < 0 && !neighbours[$0].isEmpty }
      for i in queue { level[i] = 0 }
      var (head, reachesFree) = (0, false)
      while head < queue.count {
        let i = queue[head]
        head += 1
        for j in neighbours[i] {
          let k = owner[j]
          if k < 0 {
            reachesFree = true
          } else if level[k] < 0 {
            level[k] = level[i] + 1
            queue.append(k)
          }
        }
      }
      guard reachesFree else { return size }
      // Disjoint shortest paths, depth first with an explicit stack.
      var next = [Int](repeating: 0, count: count)
      for root in 0..<count where partner[root] < 0 && level[root] == 0 {
        var path = [root]
        search: while let i = path.last {
          var advanced = false
          while next[i] < neighbours[i].count {
            let j = neighbours[i][next[i]]
            next[i] += 1
            let k = owner[j]
            if k < 0 {
              // Turn the path around.
              var (from, to) = (i, j)
              while true {
                let old = partner[from]
                partner[from] = to
                owner[to] = from
                path.removeLast()
                guard let before = path.last else { break }
                (from, to) = (before, old)
              }
              size += 1
              break search
            }
            if level[k] == level[i] + 1 {
              path.append(k)
              advanced = true
              break
            }
          }
          if !advanced {
            level[i] = -1
            path.removeLast()
          }
        }
      }
    }
  }

  /// The order-preserving labels of highest accuracy, by a minimum cut: 1 costs a sample of label 0 and the other way
  /// round, and `xᵢ ≤ xⱼ` forbids 1 for i with 0 for j.
  public static func labels(_ x: [[Double]], _ t: [Int]) -> [Int] {
    let chosen = heaviestUpperSet(x, t.map { $0 == 1 ? 1 : -1 })
    return chosen.map { $0 ? 1 : 0 }
  }

  /// The order-preserving values with the least sum of squared differences from `t` (isotonic regression on a partial
  /// order), by dividing along the best upper set until none is worth dividing (Maxwell, Muckstadt 1985).
  public static func regression(_ x: [[Double]], _ t: [Double]) -> [Double] {
    precondition(x.count == t.count, "\(x.count) samples with \(t.count) targets")
    var result = t
    var blocks = [Array(x.indices)]
    while let block = blocks.popLast() {
      guard !block.isEmpty else { continue }
      let center = block.reduce(0) { $0 + t[$1] } / Double(block.count)
      let weights = block.map { t[$0] - center }
      let scale = weights.reduce(0) { max($0, abs($1)) }
      let inside = heaviestUpperSet(block.map { x[$0] }, weights)
      let gain = zip(weights, inside).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
      if gain <= scale * 1e-10 || inside.allSatisfy({ $0 }) {
        for i in block { result[i] = center }
      } else {
        blocks.append(zip(block, inside).filter(\.1).map(\.0))
        blocks.append(zip(block, inside).filter { !$0.1 }.map(\.0))
      }
    }
    return result
  }

  /// The upper set (with xᵢ it contains all xⱼ ≥ xᵢ) of largest weight, by a minimum cut.
  static func heaviestUpperSet(_ x: [[Double]], _ weights: [Double]) -> [Bool] {
    let n = x.count
    var flow = MaximumFlow(n + 2)
    for i in 0..<n {
      if weights[i] > 0 { flow.add(n, i, weights[i]) } else if weights[i] < 0 { flow.add(i, n + 1, -weights[i]) }
      for j in 0..<n where i != j && precedes(x[i], x[j]) { flow.add(i, j, .infinity) }
    }
    let reached = flow.minimumCut(from: n, to: n + 1)
    return Array(reached[0..<n])
  }
}

/// The largest flow through a network, by blocking flows in layers (Dinic 1970).
struct MaximumFlow {
  private var heads: [[Int]]
  private var targets: [Int] = []
  private var rest: [Double] = []

  init(_ count: Int) { heads = [[Int]](repeating: [], count: count) }

  mutating func add(_ from: Int, _ to: Int, _ capacity: Double) {
    heads[from].append(targets.count)
    targets.append(to)
    rest.append(capacity)
    heads[to].append(targets.count)
    targets.append(from)
    rest.append(0)
  }

  /// The side of the source once the flow is largest.
  mutating func minimumCut(from source: Int, to sink: Int) -> [Bool] {
    let tiny = 1e-12
    while true {
      var level = [Int](repeating: -1, count: heads.count)
      level[source] = 0
      var queue = [source]
      var head = 0
      while head < queue.count {
        let node = queue[head]
        head += 1
        for edge in heads[node] where rest[edge] > tiny && level[targets[edge]] < 0 {
          level[targets[edge]] = level[node] + 1
          queue.append(targets[edge])
        }
      }
      if level[sink] < 0 { return level.map { $0 >= 0 } }
      var next = [Int](repeating: 0, count: heads.count)
      // Paths along the layers, one after the other.
      while true {
        var path: [Int] = []
        var node = source
        while node != sink {
          var found = false
          while next[node] < heads[node].count {
            let edge = heads[node][next[node]]
            if rest[edge] > tiny, level[targets[edge]] == level[node] + 1 {
              path.append(edge)
              node = targets[edge]
              found = true
              break
            }
            next[node] += 1
          }
          if !found {
            if node == source { break }
            let edge = path.removeLast()
            node = targets[edge ^ 1]
            next[node] += 1
          }
        }
        guard node == sink else { break }
        let amount = path.reduce(Double.infinity) { min($0, rest[$1]) }
        for edge in path {
          rest[edge] -= amount
          rest[edge ^ 1] += amount
        }
      }
    }
  }
}
