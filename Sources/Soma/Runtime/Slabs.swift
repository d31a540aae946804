/// Runs of a graph's nodes that work along a common leading axis, the batch, cut into slabs: all of them are computed for a
/// few units of the batch before the next units follow, so that what lies between them stays in cache, and threads take
/// whole slabs instead of meeting after each operation. What is summed over the batch, such as gradients of weights, is
/// summed slab by slab.
struct Slabs {
  /// When cutting is worth it, and into what.
  struct Limits {
    /// What the values of a region must take to be worth cutting: they would pass through memory.
    var fewestBytes = 1 << 23
    /// Values of a slab that are needed at the same time; they share the second-level cache with operands read whole.
    var slabBytes = 3 << 19
    /// Fewer rows make poor matrix products.
    var fewestRows = 32
    /// What slabs may read whole, and add to sums, for each byte that need not pass through memory.
    var wholeBytes = 1
    /// All sums that lanes keep.
    var sumBytes = 1 << 23
    /// Loops over slabs that may run side by side.
    var lanes = 8...64
  }

  private let limits: Limits
  private let graph: Graph
  private let units: Int
  private var makers: [Int?]
  /// How many positions of its leading axis belong to a unit; 0 for values that are whole.
  private var multiples: [Int]
  /// Regions of a lower number must be computed before a value of a level.
  private var levels: [Int]
  /// The rule and region of each node that works along the batch.
  private var rules: [SlabRule?]
  private var regions: [Int]

  /// Finds the nodes that work along leading axes of multiples of `units`.
  private init(_ graph: Graph, units: Int, updated: Set<Int>, _ limits: Limits) {
    self.limits = limits
    self.graph = graph
    self.units = units
    makers = [Int?](repeating: nil, count: graph.types.count)
    multiples = [Int](repeating: 0, count: graph.types.count)
    levels = [Int](repeating: 0, count: graph.types.count)
    rules = [SlabRule?](repeating: nil, count: graph.nodes.count)
    regions = [Int](repeating: -1, count: graph.nodes.count)
    for (i, id) in graph.inputs.enumerated() where !updated.contains(i) && graph.types[id].shape.first == units {
      multiples[id] = 1
    }
    for (i, node) in graph.nodes.enumerated() {
      for id in node.outputs { makers[id] = i }
      if case .constant = node.primitive {
        if graph.types[node.outputs.lowerBound].shape.first == units { multiples[node.outputs.lowerBound] = 1 }
        continue
      }
      let isAlong = node.inputs.map { multiples[$0] > 0 }
      let level = node.inputs.map { levels[$0] }.max() ?? 0
      guard isAlong.contains(true) else {
        for id in node.outputs { levels[id] = level }
        continue
      }
      let rule = SlabRule(node.primitive, node.inputs.map { graph.types[$0] }, isAlong: isAlong, units: units)
      if let rule,
        zip(node.inputs, rule.operands).allSatisfy({ !$1 || (graph.types[$0].shape.first ?? 1) % units == 0 })
      {
        (rules[i], regions[i]) = (rule, level)
        for id in node.outputs {
          levels[id] = rule.result == .sum ? level + 1 : level
          multiples[id] = rule.result == .sum ? 0 : graph.types[id].shape[0] / units
        }
      } else {
        let isStored = node.inputs.contains { id in makers[id].map { regions[$0] >= 0 } ?? false }
        for id in node.outputs {
          levels[id] = isStored ? level + 1 : level
          if graph.types[id].shape.first == units { multiples[id] = 1 }
        }
      }
    }
  }

  // MARK: What is worth cutting

  /// The graph with the regions of the best batch cut; nil if none is worth it.
  static func cut(_ graph: Graph, updated: Set<Int>, _ limits: Limits) -> Graph? {
    var bytes: [Int: Int] = [:]
    for node in graph.nodes {
      for id in node.outputs {
        let type = graph.types[id]
        if let first = type.shape.first, first > 1 { bytes[first, default: 0] += type.byteCount }
      }
    }
    var candidates: Set<Int> = []
    for (i, id) in graph.inputs.enumerated() where !updated.contains(i) {
      if let first = graph.types[id].shape.first { candidates.insert(first) }
    }
    for node in graph.nodes {
      if case .constant(let constant) = node.primitive, let first = constant.type.shape.first {
        candidates.insert(first)
      }
    }
    let best =
      candidates.filter { bytes[$0, default: 0] >= limits.fewestBytes }
      .map { Slabs(graph, units: $0, updated: updated, limits) }
      .map { slabs in (slabs: slabs, plans: slabs.plans()) }
      .max {
        ($0.plans.reduce(0) { $0 + $1.saved }, $1.slabs.units) < ($1.plans.reduce(0) { $0 + $1.saved }, $0.slabs.units)
      }
    guard let best, !best.plans.isEmpty else { return nil }
    return best.slabs.cutting(best.plans)
  }

  /// A region and how it is cut.
  private struct Plan {
    let nodes: [Int]
    /// Bytes that need not pass through memory.
    let saved: Int
    /// Values from outside that are read slab by slab, and whole.
    var sequences: [ValueID] = []
    var constants: [ValueID] = []
    /// Values that are read outside, slab after slab.
    var results: [ValueID] = []
    /// Nodes the results of which are summed over the slabs.
    var sums: [Int] = []
    /// Units of a slab, slabs of a lane, lanes.
    var slab = 0
    var length = 0
    var lanes = 0

    /// Units in slabs of lanes; the rest of the batch is computed apart.
    var units: Int { slab * length * lanes }
  }

  private func bytes(_ id: ValueID) -> Int { graph.types[id].byteCount }

  /// Whether a value takes no memory of its own.
  private func isView(_ i: Int) -> Bool {
    switch graph.nodes[i].primitive {
    case .reshape, .broadcast, .stopGradient: true
    default: false
    }
  }

  private func plans() -> [Plan] {
    var readers = [[Int]](repeating: [], count: graph.types.count)
    for (i, node) in graph.nodes.enumerated() { for id in node.inputs { readers[id].append(i) } }
    let outputs = Set(graph.outputs)
    let members = Dictionary(grouping: graph.nodes.indices.filter { regions[$0] >= 0 }) { regions[$0] }
    return members.sorted { $0.key < $1.key }.compactMap { region, nodes in
      plan(region, nodes, readers: readers, outputs: outputs)
    }
  }

  private func plan(_ region: Int, _ nodes: [Int], readers: [[Int]], outputs: Set<ValueID>) -> Plan? {
    let hasContraction = nodes.contains { i in
      switch graph.nodes[i].primitive {
      case .dot, .convolution: true
      default: false
      }
    }
    guard hasContraction else { return nil }
    let slabwise = nodes.filter { rules[$0]!.result == .along }
    let results = slabwise.flatMap { graph.nodes[$0].outputs }.filter { id in
      outputs.contains(id) || readers[id].contains { regions[$0] != region }
    }
    let made = slabwise.filter { !isView($0) }.flatMap { graph.nodes[$0].outputs }
    let saved = made.reduce(0) { $0 + bytes($1) } - results.reduce(0) { $0 + bytes($1) }
    guard saved >= limits.fewestBytes else { return nil }
    var plan = Plan(nodes: nodes, saved: saved, results: results)
    plan.sums = nodes.filter { rules[$0]!.result == .sum }

    var (along, whole): (Set<ValueID>, Set<ValueID>) = ([], [])
    for i in nodes {
      for (id, isAlong) in zip(graph.nodes[i].inputs, rules[i]!.operands) where !isMade(id, in: region) {
        let source = isAlong ? repeatedSource(id) : id
        if let source {
          guard !isSummedInto(id, by: i), smallConstant(source) == nil, whole.insert(source).inserted else { continue }
          plan.constants.append(source)
        } else if along.insert(id).inserted {
          plan.sequences.append(id)
        }
      }
    }
    return divided(plan, liveBytes(nodes, readers: readers))
  }

  private func isMade(_ id: ValueID, in region: Int) -> Bool { makers[id].map { regions[$0] == region } ?? false }

  /// The value that a broadcast from outside repeats along the batch.
  private func repeatedSource(_ id: ValueID) -> ValueID? {
    guard let m = makers[id], case .broadcast(_, let axes) = graph.nodes[m].primitive, axes.first != 0 else {
      return nil
    }
    return multiples[graph.nodes[m].inputs[0]] == 0 ? graph.nodes[m].inputs[0] : nil
  }

  /// Whether a value is what a scatter adds a sum to: that is done outside.
  private func isSummedInto(_ id: ValueID, by i: Int) -> Bool {
    guard case .scatterAdd = graph.nodes[i].primitive, rules[i]!.result == .sum else { return false }
    return id == graph.nodes[i].inputs[0]
  }

  /// A constant that is repeated inside.
  private func smallConstant(_ id: ValueID) -> Constant? {
    guard let m = makers[id], case .constant(let constant) = graph.nodes[m].primitive else { return nil }
    return constant.type.shape.elementCount <= 16 ? constant : nil
  }

  /// The most bytes a unit of the batch needs at a time.
  private func liveBytes(_ nodes: [Int], readers: [[Int]]) -> Int {
    let members = Set(nodes)
    var (live, most) = (0, 0)
    var left: [ValueID: Int] = [:]
    for i in nodes {
      let node = graph.nodes[i]
      if !isView(i), rules[i]!.result == .along {
        for id in node.outputs {
          live += bytes(id) / units
          left[id] = readers[id].filter(members.contains).count
        }
      }
      most = Swift.max(most, live)
      for id in node.inputs {
        guard let count = left[id] else { continue }
        left[id] = count - 1
        if count == 1 { live -= bytes(id) / units }
      }
    }
    return Swift.max(1, most)
  }

  /// Chooses the slabs: they fit the cache, and lanes of them the number of threads of any machine. Nothing depends on how
  /// many threads there are, so that bits do not.
  private func divided(_ plan: Plan, _ unitBytes: Int) -> Plan? {
    let target = Swift.min(units / 2, limits.slabBytes / unitBytes)
    guard target > 0, target * rowsOfProducts(plan.nodes) >= limits.fewestRows else { return nil }
    let sums = plan.sums.reduce(0) { $0 + bytes(graph.nodes[$1].outputs.lowerBound) }
    let fewest = (units + target - 1) / target
    // Every slab reads what is whole and adds to all sums.
    let whole = plan.constants.reduce(0) { $0 + bytes($1) } + 2 * sums
    guard fewest * whole <= limits.wholeBytes * plan.saved else { return nil }
    let mostLanes = Swift.min(
      limits.lanes.upperBound, Swift.max(limits.lanes.lowerBound, limits.sumBytes / Swift.max(1, sums)))
    var plan = plan
    // Equal slabs if some number of them divides the batch; else a rest is computed apart.
    for count in fewest...(2 * fewest) where units % count == 0 {
      let lanes = (1...Swift.min(mostLanes, count)).last { count % $0 == 0 }!
      if 2 * lanes >= Swift.min(limits.lanes.lowerBound, count) {
        (plan.slab, plan.lanes, plan.length) = (units / count, lanes, count / lanes)
        return plan
      }
    }
    plan.lanes = Swift.min(mostLanes, fewest)
    plan.length = (fewest + plan.lanes - 1) / plan.lanes
    let slab = units / (plan.lanes * plan.length)
    plan.slab = slab >= 64 ? slab & ~7 : slab
    return plan
  }

  /// The least number of rows of a product that a unit gives.
  private func rowsOfProducts(_ nodes: [Int]) -> Int {
    nodes.compactMap { i -> Int? in
      guard case .dot = graph.nodes[i].primitive, rules[i]!.result == .along else { return nil }
      return graph.types[graph.nodes[i].outputs.lowerBound].shape.elementCount / units
        / Swift.max(1, graph.types[graph.nodes[i].outputs.lowerBound].shape.last)
    }.min() ?? 1
  }

  // MARK: Cutting

  private func cutting(_ plans: [Plan]) -> Graph {
    var cut = Cut(self)
    var planOf = [Int?](repeating: nil, count: graph.nodes.count)
    for (p, plan) in plans.enumerated() { for i in plan.nodes { planOf[i] = p } }
    var isDone = [Bool](repeating: false, count: graph.nodes.count)
    /// Nodes in their old order, but each after what it needs: a region comes as one.
    func emit(_ i: Int) {
      guard !isDone[i] else { return }
      if let p = planOf[i] {
        for j in plans[p].nodes { isDone[j] = true }
        for id in plans[p].sequences + plans[p].constants { makers[id].map(emit) }
        for j in plans[p].sums {
          for id in graph.nodes[j].inputs where !isMade(id, in: regions[j]) { makers[id].map(emit) }
        }
        cut.add(plans[p])
      } else {
        isDone[i] = true
        for id in graph.nodes[i].inputs { makers[id].map(emit) }
        cut.add(graph.nodes[i])
      }
    }
    for i in graph.nodes.indices { emit(i) }
    return cut.finished()
  }

  /// The graph that is made.
  private struct Cut {
    private let slabs: Slabs
    private var result = Graph()
    private var values: [ValueID]

    init(_ slabs: Slabs) {
      self.slabs = slabs
      values = [ValueID](repeating: -1, count: slabs.graph.types.count)
      for id in slabs.graph.inputs { values[id] = result.addInput(slabs.graph.types[id]) }
    }

    mutating func add(_ node: Graph.Node) {
      let outputs = result.add(
        node.primitive, node.inputs.map { values[$0] }, types: node.outputs.map { slabs.graph.types[$0] },
        scope: node.scope)
      for (id, output) in zip(node.outputs, outputs) { values[id] = output }
    }

    /// A region: a loop over lanes side by side, each a loop over its slabs, then what is left over.
    mutating func add(_ plan: Plan) {
      let cutUnits = plan.units
      let lane = plan.length == 1 ? slabs.body(plan, units: plan.slab, accumulates: false) : slabs.lane(plan)
      let leading = plan.length == 1 ? [plan.lanes] : [plan.lanes, plan.length]
      let sequences = plan.sequences.map { id -> ValueID in
        let whole = rows(values[id], of: id, from: 0, to: cutUnits)
        let shape = slabs.graph.types[id].shape
        return one(.reshape(Shape(leading + [plan.slab * slabs.multiple(id)]) + Array(shape.dropFirst())), [whole])
      }
      let constants = plan.constants.map { values[$0] }
      let scan = Scan(body: lane, length: plan.lanes, carries: 0, sequences: sequences.count, reverse: false)
      var outputs = Array(result.add(.scan(scan), sequences + constants, scope: "slabs"))
      for k in plan.sums.indices { outputs[k] = one(.reduce(.sum, axes: [0]), [outputs[k]]) }
      for (k, id) in plan.results.enumerated() {
        let shape = slabs.graph.types[id].shape.replacing(axis: 0, with: cutUnits * slabs.multiple(id))
        outputs[plan.sums.count + k] = one(.reshape(shape), [outputs[plan.sums.count + k]])
      }
      if cutUnits < slabs.units {
        let rest = plan.sequences.map { rows(values[$0], of: $0, from: cutUnits, to: slabs.units) }
        let last = inline(slabs.body(plan, units: slabs.units - cutUnits, accumulates: false), rest + constants)
        for k in outputs.indices {
          outputs[k] = one(k < plan.sums.count ? .binary(.add) : .concatenate(axis: 0), [outputs[k], last[k]])
        }
      }
      for (k, i) in plan.sums.enumerated() {
        let node = slabs.graph.nodes[i]
        var total = outputs[k]
        if case .scatterAdd = node.primitive { total = one(.binary(.add), [values[node.inputs[0]], total]) }
        values[node.outputs.lowerBound] = total
      }
      for (k, id) in plan.results.enumerated() { values[id] = outputs[plan.sums.count + k] }
    }

    private mutating func one(_ primitive: Primitive, _ operands: [ValueID]) -> ValueID {
      result.add(primitive, operands, scope: "slabs").lowerBound
    }

    /// The rows of some units of a value.
    private mutating func rows(_ value: ValueID, of id: ValueID, from: Int, to: Int) -> ValueID {
      guard from > 0 || to < slabs.units else { return value }
      let shape = slabs.graph.types[id].shape
      let multiple = slabs.multiple(id)
      return one(
        .slice(
          starts: [from * multiple] + shape.dropFirst().map { _ in 0 }, limits: [to * multiple] + shape.dropFirst(),
          strides: shape.map { _ in 1 }), [value])
    }

    private mutating func inline(_ body: Graph, _ arguments: [ValueID]) -> [ValueID] {
      var inner = [ValueID](repeating: -1, count: body.types.count)
      for (id, argument) in zip(body.inputs, arguments) { inner[id] = argument }
      for node in body.nodes {
        let outputs = result.add(node.primitive, node.inputs.map { inner[$0] }, scope: node.scope)
        for (id, output) in zip(node.outputs, outputs) { inner[id] = output }
      }
      return body.outputs.map { inner[$0] }
    }

    func finished() -> Graph {
      var result = self.result
      result.outputs = slabs.graph.outputs.map { values[$0] }
      return result.withoutDeadNodes()
    }
  }

  private func multiple(_ id: ValueID) -> Int { graph.types[id].shape[0] / units }

  private func slabType(_ id: ValueID, units: Int) -> TensorType {
    let type = graph.types[id]
    return TensorType(shape: type.shape.replacing(axis: 0, with: units * multiple(id)), dtype: type.dtype)
  }

  private static func zeros(_ type: TensorType, in graph: inout Graph) -> ValueID {
    let scalar = TensorType(shape: [], dtype: type.dtype)
    let zero = Constant(type: scalar, storage: Storage(scalar: 0.0, dtype: type.dtype))
    let id = graph.add(.constant(zero), []).lowerBound
    return graph.add(.broadcast(type.shape, axes: []), [id]).lowerBound
  }

  /// What is computed for a slab: (sums so far, slabs of the sequences, constants) → (sums, results).
  private func body(_ plan: Plan, units slab: Int, accumulates: Bool) -> Graph {
    var body = Graph()
    var (along, whole): ([ValueID: ValueID], [ValueID: ValueID]) = ([:], [:])
    let sumTypes = plan.sums.map { graph.types[graph.nodes[$0].outputs.lowerBound] }
    let carries = accumulates ? sumTypes.map { body.addInput($0) } : []
    for id in plan.sequences { along[id] = body.addInput(slabType(id, units: slab)) }
    for id in plan.constants { whole[id] = body.addInput(graph.types[id]) }
    func wholeValue(_ id: ValueID) -> ValueID {
      if let known = whole[id] { return known }
      let made = body.add(.constant(smallConstant(id)!), []).lowerBound
      whole[id] = made
      return made
    }
    func alongValue(_ id: ValueID) -> ValueID {
      if let known = along[id] { return known }
      let repeating = SlabRule.primitive(graph.nodes[makers[id]!].primitive, length: length)
      let made = body.add(repeating, [wholeValue(repeatedSource(id)!)]).lowerBound
      along[id] = made
      return made
    }
    func length(_ axis: Int) -> Int { axis / units * slab }
    var sums: [ValueID] = []
    for i in plan.nodes {
      let node = graph.nodes[i]
      let rule = rules[i]!
      var operands: [ValueID] = []
      for (id, isAlong) in zip(node.inputs, rule.operands) {
        if isSummedInto(id, by: i), operands.isEmpty {
          operands.append(accumulates ? carries[sums.count] : Slabs.zeros(graph.types[id], in: &body))
        } else {
          operands.append(isAlong ? alongValue(id) : wholeValue(id))
        }
      }
      let primitive = rule.result == .along ? SlabRule.primitive(node.primitive, length: length) : node.primitive
      let outputs = body.add(primitive, operands, scope: node.scope)
      if rule.result == .sum {
        var sum = outputs.lowerBound
        // A scatter has added to its operand, the sum so far.
        if accumulates, !isSummedInto(node.inputs[0], by: i) {
          sum = body.add(.binary(.add), [carries[sums.count], sum], scope: node.scope).lowerBound
        }
        sums.append(sum)
      } else {
        for (id, output) in zip(node.outputs, outputs) { along[id] = output }
      }
    }
    body.outputs = sums + plan.results.map { along[$0]! }
    return body
  }

  /// A loop over the slabs of a lane: (sequences, constants) → (sums, results).
  private func lane(_ plan: Plan) -> Graph {
    var lane = Graph()
    let slabBody = body(plan, units: plan.slab, accumulates: true)
    let sequences = plan.sequences.map { id in
      let type = slabType(id, units: plan.slab)
      return lane.addInput(TensorType(shape: [plan.length] + type.shape, dtype: type.dtype))
    }
    let constants = plan.constants.map { lane.addInput(graph.types[$0]) }
    let zeros = plan.sums.map { Slabs.zeros(graph.types[graph.nodes[$0].outputs.lowerBound], in: &lane) }
    let scan = Scan(
      body: slabBody, length: plan.length, carries: zeros.count, sequences: sequences.count, reverse: false)
    lane.outputs = Array(lane.add(.scan(scan), zeros + sequences + constants))
    return lane
  }
}

extension Graph {
  /// An equivalent graph in which runs of nodes along a large batch are loops over slabs of it, where that keeps their
  /// values in cache. `updated` inputs are states, not data.
  func withSlabs(updated: Set<Int> = [], _ limits: Slabs.Limits = Slabs.Limits()) -> Graph {
    Slabs.cut(self, updated: updated, limits) ?? self
  }
}
