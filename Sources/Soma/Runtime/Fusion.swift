import Kernels

/// Turns the nodes of a graph into steps: elementwise operations that share their elements, the reductions of rows between
/// them, and the broadcasts they read become one kernel each, so that their values stay in cache. A matrix product takes
/// what reads its result with it, as its epilogue.
struct Fusion {
  /// A set of nodes evaluated together over `total` elements, block by block. With an `inner` length, values are whole
  /// ([rows, inner]) or one a row ([rows]).
  struct Group {
    var nodes: [Int] = []
    var total: Int
    var inner: Int?
    /// The product that some rows of which are computed before the other nodes see them.
    var product: Epilogue?
    var rows: Int { inner.map { total / $0 } ?? total }
  }

  /// Longer rows are reduced from memory.
  static let longestRow = 4096
  /// More operations in one group gain nothing and need more registers.
  static let largestGroup = 192

  private(set) var steps: [Program.Step] = []

  private let graph: Graph
  private let roots: [ValueID]
  private var makers: [Int?]
  private var groups: [Group?] = []
  /// The group of each node; every node that takes part has one.
  private var groupOf: [Int]
  /// For each group, the groups it needs, directly or not.
  private var needs: [Bits] = []
  /// Whether a value of a group is one a row.
  private var isRow: [Bool]
  /// Broadcasts and slices that are read through strides instead of being stored.
  private var isView: [Bool]

  init(_ graph: Graph, roots: [ValueID]) {
    self.graph = graph
    self.roots = roots
    makers = [Int?](repeating: nil, count: graph.types.count)
    groupOf = [Int](repeating: -1, count: graph.nodes.count)
    isRow = [Bool](repeating: false, count: graph.types.count)
    isView = [Bool](repeating: false, count: graph.nodes.count)
    for (i, node) in graph.nodes.enumerated() { for id in node.outputs { makers[id] = i } }
    findViews()
    for i in graph.nodes.indices where !isTransparent(i) { place(i) }
    emitSteps()
  }

  // MARK: What nodes are

  private func count(_ id: ValueID) -> Int { graph.types[id].shape.elementCount }

  /// Nodes that need no step: constants lie in memory, reshapes share it, views are read by others.
  private func isTransparent(_ i: Int) -> Bool {
    switch graph.nodes[i].primitive {
    case .constant, .reshape, .stopGradient: true
    default: isView[i]
    }
  }

  /// The length of the rows that a reduction of the last axes reduces; nil for other nodes.
  private func rowLength(_ node: Graph.Node) -> Int? {
    guard case .reduce(_, let axes) = node.primitive else { return nil }
    let shape = graph.types[node.inputs[0]].shape
    guard axes.sorted() == Array((shape.rank - axes.count)..<shape.rank) else { return nil }
    let n = axes.reduce(1) { $0 * shape[$1] }
    let dtype = graph.types[node.inputs[0]].dtype
    return n > 1 && n <= Fusion.longestRow && dtype.isFloating && dtype != .bfloat16 ? n : nil
  }

  private func isFusible(_ i: Int) -> Bool {
    let node = graph.nodes[i]
    guard count(node.outputs.lowerBound) > 0, count(node.inputs.first ?? node.outputs.lowerBound) > 0 else {
      return false
    }
    return node.primitive.isElementwise || rowLength(node) != nil
  }

  /// Marks the broadcasts and slices that only elementwise operations read.
  private mutating func findViews() {
    var readers = [[Int]](repeating: [], count: graph.types.count)
    for (i, node) in graph.nodes.enumerated() { for id in Set(node.inputs) { readers[id].append(i) } }
    let outputs = Set(graph.outputs.map { roots[$0] })
    func readersThroughReshapes(_ id: ValueID) -> [Int] {
      readers[id].flatMap { r -> [Int] in
        if case .reshape = graph.nodes[r].primitive { return readersThroughReshapes(graph.nodes[r].outputs.lowerBound) }
        return [r]
      }
    }
    for (i, node) in graph.nodes.enumerated() {
      let id = node.outputs.lowerBound
      switch node.primitive {
      case .broadcast(let shape, _) where shape.rank <= 8: break
      case .slice(let starts, _, let strides):
        // Only runs of neighbouring elements are read in place at full speed.
        guard starts.count <= 8, strides.last == 1, graph.types[id].shape.last >= 8 else { continue }
      default: continue
      }
      guard !outputs.contains(id), count(id) > 0 else { continue }
      isView[i] = readersThroughReshapes(id).allSatisfy {
        graph.nodes[$0].primitive.isElementwise || rowLength(graph.nodes[$0]) != nil
      }
    }
  }

  /// The value behind a broadcast over the last axes of a group's rows, if a view is one.
  private func rowSource(_ view: Int, inner: Int?) -> ValueID? {
    guard let inner, case .broadcast(let shape, let axes) = graph.nodes[view].primitive else { return nil }
    guard axes == Array(axes.indices), shape[axes.count...].reduce(1, *) == inner else { return nil }
    return roots[graph.nodes[view].inputs[0]]
  }

  // MARK: Grouping

  private func maker(_ id: ValueID) -> Int? { makers[roots[id]] }

  private mutating func place(_ i: Int) {
    let node = graph.nodes[i]
    var direct = Bits()
    for id in node.inputs {
      for g in groupsBehind(id) {
        direct.insert(g)
        direct.formUnion(needs[g])
      }
    }
    guard isFusible(i) else {
      groupOf[i] = groups.count
      groups.append(Epilogue(i, graph).map { Group(nodes: [i], total: count(node.outputs.lowerBound), product: $0) })
      needs.append(direct)
      return
    }

    // Join the group of an operand, and draw the operands' other groups in, where the domains fit and no cycle arises.
    var home: Int?
    for id in node.inputs {
      for g in groupsBehind(id) where g != home && groups[g] != nil {
        if let current = home {
          merge(g, into: current)
        } else if fits(i, g), (groups[g]?.nodes.count ?? 0) < Fusion.largestGroup, isAcyclic(node, joining: g) {
          home = g
          join(i, g)
        }
      }
    }
    if home == nil {
      let total = count(node.inputs.first ?? node.outputs.lowerBound)
      let inner = rowLength(node)
      groupOf[i] = groups.count
      groups.append(Group(nodes: [i], total: total, inner: inner))
      needs.append(direct)
      isRow[node.outputs.lowerBound] = inner != nil
    }
  }

  /// The groups that a value comes from, through reshapes and views.
  private func groupsBehind(_ id: ValueID) -> [Int] {
    guard let m = maker(id) else { return [] }
    if isView[m] { return groupsBehind(graph.nodes[m].inputs[0]) }
    return groupOf[m] >= 0 ? [groupOf[m]] : []
  }

  /// How a node would take part in a group: nil if it cannot; true if its value is one a row.
  private func level(_ i: Int, in group: Group, inner: Int?, isMember: (ValueID) -> Bool) -> Bool? {
    let node = graph.nodes[i]
    if let n = rowLength(node) {
      guard inner == n, count(node.inputs[0]) == group.total else { return nil }
      let id = roots[node.inputs[0]]
      return isMember(id) && isRow[id] ? nil : true
    }
    let elements = count(node.outputs.lowerBound)
    let members = node.inputs.map { roots[$0] }.filter { isMember($0) }
    if elements == group.total {
      return members.allSatisfy { !isRow[$0] } ? false : nil
    }
    if let inner, elements * inner == group.total { return members.allSatisfy { isRow[$0] } ? true : nil }
    return nil
  }

  private func isMember(_ id: ValueID, _ g: Int) -> Bool {
    guard let m = makers[id], !isView[m] else { return false }
    return groupOf[m] == g
  }

  private func fits(_ i: Int, _ g: Int) -> Bool {
    guard let group = groups[g] else { return false }
    var inner = group.inner
    if inner == nil, let n = rowLength(graph.nodes[i]), group.total % n == 0 { inner = n }
    guard group.product?.fits(inner: inner) ?? true else { return false }
    return level(i, in: group, inner: inner, isMember: { isMember($0, g) }) != nil && viewsFit(i, g, inner)
  }

  /// Whether every view of a member that the node reads repeats it along the rows.
  private func viewsFit(_ i: Int, _ g: Int, _ inner: Int?) -> Bool {
    graph.nodes[i].inputs.allSatisfy { id in
      guard let m = maker(id), isView[m] else { return true }
      let source = roots[graph.nodes[m].inputs[0]]
      if let deeper = makers[source], isView[deeper] { return !groupsBehind(source).contains(g) }
      guard isMember(source, g) else { return true }
      return rowSource(m, inner: inner) == source && isRow[source] && count(id) == groups[g]!.total
    }
  }

  private mutating func join(_ i: Int, _ g: Int) {
    let node = graph.nodes[i]
    if groups[g]!.inner == nil { groups[g]!.inner = rowLength(node) }
    isRow[node.outputs.lowerBound] = level(i, in: groups[g]!, inner: groups[g]!.inner, isMember: { isMember($0, g) })!
    groupOf[i] = g
    groups[g]!.nodes.append(i)
    var added = Bits()
    for id in node.inputs {
      for other in groupsBehind(id) where other != g {
        added.insert(other)
        added.formUnion(needs[other])
      }
    }
    extend(g, by: added)
  }

  /// Adds needs of a group to it and to every group that needs it.
  private mutating func extend(_ g: Int, by added: Bits) {
    guard !added.isEmpty else { return }
    for h in needs.indices where h == g || needs[h].contains(g) { needs[h].formUnion(added) }
  }

  private func isAcyclic(_ node: Graph.Node, joining g: Int) -> Bool {
    node.inputs.allSatisfy { id in groupsBehind(id).allSatisfy { $0 == g || !needs[$0].contains(g) } }
  }

  /// Merges a group with another if their domains agree and nothing outside lies between them.
  private mutating func merge(_ g: Int, into home: Int) {
    guard let (a, b) = groups[home].flatMap({ x in groups[g].map { (x, $0) } }), a.total == b.total else { return }
    guard a.inner == nil || b.inner == nil || a.inner == b.inner else { return }
    guard a.nodes.count + b.nodes.count <= Fusion.largestGroup else { return }
    let inner = a.inner ?? b.inner
    // One product a group, and it comes first: nothing that it needs can be in the group.
    let product = a.product ?? b.product
    guard a.product == nil || b.product == nil, product?.fits(inner: inner) ?? true else { return }
    if a.product != nil, isNeeded(g, by: a.product!) { return }
    if b.product != nil, isNeeded(home, by: b.product!) { return }
    // A path from one to the other through a third group would become a cycle.
    for h in groups.indices where h != g && h != home && isLive(h) {
      if needs[h].contains(g) && needs[home].contains(h) { return }
      if needs[h].contains(home) && needs[g].contains(h) { return }
    }
    let nodes = (a.nodes + b.nodes).sorted()
    // Levels and views must still make sense in the joint group.
    for i in nodes {
      for id in graph.nodes[i].inputs {
        if let m = maker(id), isView[m] {
          let source = roots[graph.nodes[m].inputs[0]]
          let behind = groupsBehind(source)
          guard behind.contains(g) || behind.contains(home) else { continue }
          guard let s = makers[source], !isView[s], rowSource(m, inner: inner) == source, isRow[source],
            count(id) == a.total
          else { return }
        } else {
          let root = roots[id]
          guard isMember(root, g) || isMember(root, home) else { continue }
          let consumer = graph.nodes[i]
          let wantsRow = rowLength(consumer) == nil && isRow[consumer.outputs.lowerBound]
          guard isRow[root] == wantsRow else { return }
        }
      }
    }
    for i in b.nodes { groupOf[i] = home }
    groups[home] = Group(nodes: nodes, total: a.total, inner: inner, product: product)
    groups[g] = nil
    retired.insert(g)
    var joint = needs[home]
    joint.formUnion(needs[g])
    joint.remove(g)
    joint.remove(home)
    needs[home] = joint
    needs[g] = Bits()
    for h in needs.indices where needs[h].contains(g) || (h != home && needs[h].contains(home)) {
      needs[h].remove(g)
      needs[h].insert(home)
      needs[h].formUnion(joint)
    }
  }

  /// Whether a product reads what a group makes, directly or not.
  private func isNeeded(_ g: Int, by product: Epilogue) -> Bool {
    graph.nodes[product.node].inputs.contains { groupsBehind($0).contains { $0 == g || needs[$0].contains(g) } }
  }

  private var retired: Set<Int> = []
  private func isLive(_ g: Int) -> Bool { !retired.contains(g) }

  // MARK: Steps

  private mutating func emitSteps() {
    // What other groups or the caller read has to be stored.
    var isStored = [Bool](repeating: false, count: graph.types.count)
    for id in graph.outputs { isStored[roots[id]] = true }
    func markSources(_ id: ValueID, of g: Int) {
      let root = roots[id]
      guard let m = makers[root] else { return }
      if isView[m] {
        markSources(graph.nodes[m].inputs[0], of: g)
      } else if groupOf[m] != g {
        isStored[root] = true
      }
    }
    for (i, node) in graph.nodes.enumerated() where groupOf[i] >= 0 {
      for id in node.inputs { markSources(id, of: groupOf[i]) }
    }

    var members = [[Int]](repeating: [], count: groups.count)
    for i in graph.nodes.indices where groupOf[i] >= 0 { members[groupOf[i]].append(i) }
    let keys = emissionKeys(members)
    var waiting = [Int](repeating: 0, count: groups.count)
    var dependents = [[Int]](repeating: [], count: groups.count)
    for g in groups.indices where !members[g].isEmpty {
      let sources = directNeeds(members[g], of: g)
      waiting[g] = sources.count
      for s in sources { dependents[s].append(g) }
    }
    var ready = Heap()
    for g in groups.indices where !members[g].isEmpty && waiting[g] == 0 { ready.push(keys[g], g) }
    var emitted = 0
    while let g = ready.pop() {
      emit(members[g], groups[g], isStored)
      emitted += 1
      for d in dependents[g] {
        waiting[d] -= 1
        if waiting[d] == 0 { ready.push(keys[d], d) }
      }
    }
    require(emitted == members.filter { !$0.isEmpty }.count, "fusion made a cycle")
  }

  private func directNeeds(_ nodes: [Int], of g: Int) -> Set<Int> {
    var sources: Set<Int> = []
    for i in nodes { for id in graph.nodes[i].inputs { sources.formUnion(groupsBehind(id)) } }
    sources.remove(g)
    return sources
  }

  /// Of the groups that could come next, the one with the least key does: that of its last node, or of its product, which
  /// must not keep its operands in memory until an epilogue late in the graph. What such a group needs comes before it.
  private func emissionKeys(_ members: [[Int]]) -> [Int] {
    var keys = members.map { $0.last ?? 0 }
    for g in groups.indices where !members[g].isEmpty {
      guard let product = groups[g]?.product, members[g].count > 1 else { continue }
      keys[g] = product.node
      for h in groups.indices where needs[g].contains(h) { keys[h] = Swift.min(keys[h], product.node) }
    }
    return keys
  }

  /// Whether a node alone is worth machine code, which reads and writes memory faster than a map does.
  private func isWorthMachineCode(_ i: Int) -> Bool {
    let node = graph.nodes[i]
    return graph.types[node.outputs.lowerBound].byteCount > MachineRun.nearBytes && soma_makes_machine_code() != 0
      && node.primitive.machineOperation(node.inputs.map { graph.types[$0].dtype }) != nil
  }

  private mutating func emit(_ nodes: [Int], _ group: Group?, _ isStored: [Bool]) {
    if let group,
      nodes.count > 1 || graph.nodes[nodes[0]].inputs.contains(where: { maker($0).map { isView[$0] } ?? false })
        || isWorthMachineCode(nodes[0])
    {
      var builder = FusedBuilder(graph, roots: roots, makers: makers, isView: isView, group: group)
      steps.append(builder.build(isStored: isStored, isRow: isRow))
      return
    }
    for i in nodes {
      let node = graph.nodes[i]
      let kernel = lower(node.primitive, node.inputs.map { graph.types[$0] }, node.outputs.map { graph.types[$0] })
      var name = node.primitive.name
      switch node.primitive {
      case .dot, .convolution: name += " " + node.inputs.map { "\(graph.types[$0].shape)" }.joined(separator: " · ")
      default: break
      }
      steps.append(
        Program.Step(
          kernel: kernel, outputs: Array(node.outputs), inputs: node.inputs.map { roots[$0] }, name: name))
    }
  }
}

/// A set of small numbers.
struct Bits {
  private var words: [UInt64] = []

  var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
  func contains(_ i: Int) -> Bool { i >> 6 < words.count && words[i >> 6] & (1 << UInt64(i & 63)) != 0 }
  mutating func insert(_ i: Int) {
    while words.count <= i >> 6 { words.append(0) }
    words[i >> 6] |= 1 << UInt64(i & 63)
  }
  mutating func remove(_ i: Int) {
    if i >> 6 < words.count { words[i >> 6] &= ~(1 << UInt64(i & 63)) }
  }
  mutating func formUnion(_ other: Bits) {
    while words.count < other.words.count { words.append(0) }
    for k in other.words.indices { words[k] |= other.words[k] }
  }
}

/// A priority queue, smallest key first.
private struct Heap {
  private var items: [(key: Int, value: Int)] = []

  mutating func push(_ key: Int, _ value: Int) {
    items.append((key, value))
    var i = items.count - 1
    while i > 0, items[i].key < items[(i - 1) / 2].key {
      items.swapAt(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }

  mutating func pop() -> Int? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    guard !items.isEmpty else { return first.value }
    items[0] = last
    var i = 0
    while true {
      let children = [2 * i + 1, 2 * i + 2].filter { $0 < items.count && items[$0].key < items[i].key }
      guard let child = children.min(by: { items[$0].key < items[$1].key }) else { break }
      items.swapAt(i, child)
      i = child
    }
    return first.value
  }
}
