/// The steps of an executable and where their operands lie.
struct Program: Sendable {
  struct Step: Sendable {
    let kernel: Kernel
    let outputs: [ValueID]
    let inputs: [ValueID]
    let name: String
  }

  /// Where a value's memory is.
  private enum Place {
    case input(Int)
    case output(Int)
    case constant(Int)
    case arena(block: Int)
  }

  let steps: [Step]
  let updates: [(output: Int, input: Int)]
  let arenaBytes: Int
  /// What steps hold that are graphs themselves.
  let heldBytes: Int
  let constantBytes: Int

  private let constants: [Storage]
  /// For every step in turn, its outputs, inputs and scratch: a position in the context's table of addresses.
  private let firstSlots: [Int]
  private let slotCount: Int
  private let arenaSlots: [(slot: Int, offset: Int)]
  private let constantSlots: [(slot: Int, constant: Int)]
  private let inputSlots: [[Int]]
  private let outputSlots: [[Int]]

  init(_ graph: Graph, updates: [(output: Int, input: Int)]) {
    self.updates = updates
    var roots = Array(0..<graph.types.count)
    var constants: [Storage] = []
    var places: [ValueID: Place] = [:]
    for (i, id) in graph.inputs.enumerated() { places[id] = .input(i) }
    for node in graph.nodes {
      switch node.primitive {
      case .reshape, .stopGradient: roots[node.outputs.lowerBound] = roots[node.inputs[0]]
      case .constant(let constant):
        places[node.outputs.lowerBound] = .constant(constants.count)
        constants.append(constant.storage)
      default: break
      }
    }
    var steps = Fusion(graph, roots: roots).steps
    func isExternal(_ id: ValueID) -> Bool {
      switch places[id] {
      case .input, .constant: true
      case .output, .arena, nil: false
      }
    }

    // Which value goes straight into which result; what cannot is copied by a last step.
    var copies: [Step] = []
    var snapshots: [Step] = []
    var nextValue = graph.types.count
    var bytesOf = Dictionary(uniqueKeysWithValues: graph.types.enumerated().map { ($0.offset, $0.element.byteCount) })
    func copy(_ source: ValueID, bytes: Int) -> Step {
      let kernel = Kernel.parallel(bytes, grain: 4 * parallelGrain, alignment: 64) { p, _, part in
        if p[0] != p[1] { (p[0] + part.lowerBound).copyMemory(from: p[1] + part.lowerBound, byteCount: part.count) }
      }
      bytesOf[nextValue] = bytes
      defer { nextValue += 1 }
      return Step(kernel: kernel, outputs: [nextValue], inputs: [source], name: "copy")
    }
    let updatedInputs = Dictionary(uniqueKeysWithValues: updates.map { ($0.output, $0.input) })
    var outputPlaces: [ValueID: Place] = [:]
    for (i, id) in graph.outputs.enumerated() {
      let root = roots[id]
      var isDirect = !isExternal(root) && outputPlaces[root] == nil
      if isDirect, let input = updatedInputs[i] {
        isDirect = Program.mayOverwrite(graph.inputs[input], by: root, in: steps)
      }
      if isDirect {
        outputPlaces[root] = .output(i)
      } else {
        let bytes = graph.types[id].byteCount
        var source = root
        // An old state that is returned elsewhere must be saved before it is overwritten.
        if let own = graph.inputs.firstIndex(of: root), updates.contains(where: { $0.input == own && $0.output != i }) {
          snapshots.append(copy(root, bytes: bytes))
          source = snapshots.last!.outputs[0]
        }
        copies.append(copy(source, bytes: bytes))
        outputPlaces[copies.last!.outputs[0]] = .output(i)
      }
    }
    steps = snapshots + steps + copies
    places.merge(outputPlaces) { $1 }

    // Lifetimes of the values in between, and who takes over whose memory.
    var lastUse: [ValueID: Int] = [:]
    for (i, step) in steps.enumerated() { for id in step.inputs { lastUse[id] = i } }
    var blocks: [MemoryPlan.Block] = []
    var blockOf: [ValueID: Int] = [:]
    for (i, step) in steps.enumerated() {
      var taken: Set<Int> = []
      for (k, id) in step.outputs.enumerated() where places[id] == nil {
        let bytes = bytesOf[id]!
        let end = lastUse[id] ?? i
        let candidates = k < step.kernel.inPlace.count ? step.kernel.inPlace[k] : []
        let heir = candidates.lazy.map { step.inputs[$0] }.first { input in
          guard let block = blockOf[input] else { return false }
          return !taken.contains(block) && lastUse[input] == i && bytesOf[input] == bytes
            && blocks[block].lifetime.upperBound == i
        }
        if let heir, let block = blockOf[heir] {
          taken.insert(block)
          blocks[block].lifetime = blocks[block].lifetime.lowerBound...Swift.max(i, end)
          blockOf[id] = block
        } else {
          blockOf[id] = blocks.count
          blocks.append(MemoryPlan.Block(bytes: bytes, lifetime: i...Swift.max(i, end)))
        }
        places[id] = .arena(block: blockOf[id]!)
      }
    }
    let scratchBlocks = steps.enumerated().map { i, step -> Int? in
      guard step.kernel.scratch > 0 else { return nil }
      blocks.append(MemoryPlan.Block(bytes: step.kernel.scratch, lifetime: i...i))
      return blocks.count - 1
    }
    let plan = MemoryPlan(blocks)

    var firstSlots: [Int] = []
    var slotCount = 0
    var arenaSlots: [(Int, Int)] = []
    var constantSlots: [(Int, Int)] = []
    var inputSlots = [[Int]](repeating: [], count: graph.inputs.count)
    var outputSlots = [[Int]](repeating: [], count: graph.outputs.count)
    for (i, step) in steps.enumerated() {
      firstSlots.append(slotCount)
      for id in step.outputs + step.inputs {
        switch places[id]! {
        case .input(let k): inputSlots[k].append(slotCount)
        case .output(let k):
          outputSlots[k].append(slotCount)
        case .constant(let k): constantSlots.append((slotCount, k))
        case .arena(let block): arenaSlots.append((slotCount, plan.offsets[block]))
        }
        slotCount += 1
      }
      if let block = scratchBlocks[i] {
        arenaSlots.append((slotCount, plan.offsets[block]))
        slotCount += 1
      }
    }
    self.steps = steps
    self.constants = constants
    self.firstSlots = firstSlots
    self.slotCount = slotCount
    self.arenaSlots = arenaSlots
    self.constantSlots = constantSlots
    self.inputSlots = inputSlots
    self.outputSlots = outputSlots
    arenaBytes = plan.byteCount
    heldBytes = steps.reduce(0) { $0 + $1.kernel.held }
    constantBytes = constants.reduce(0) { $0 + $1.byteCount }
  }

  /// Whether the step that makes `value` may write over `input`: nobody reads the input later, and the step itself reads
  /// it in place if at all.
  private static func mayOverwrite(_ input: ValueID, by value: ValueID, in steps: [Step]) -> Bool {
    guard let writer = steps.firstIndex(where: { $0.outputs.contains(value) }) else { return false }
    if steps[(writer + 1)...].contains(where: { $0.inputs.contains(input) }) { return false }
    let positions = steps[writer].inputs.indices.filter { steps[writer].inputs[$0] == input }
    let output = steps[writer].outputs.firstIndex(of: value)!
    let allowed = output < steps[writer].kernel.inPlace.count ? steps[writer].kernel.inPlace[output] : []
    return positions.allSatisfy { allowed.contains($0) }
  }

  /// The memory of one run and the table of addresses its kernels read.
  final class Context: @unchecked Sendable {
    private let arena: Storage
    private let table: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private let program: Program

    init(_ program: Program) {
      self.program = program
      arena = Storage(byteCount: program.arenaBytes)
      table = .allocate(capacity: Swift.max(1, program.slotCount))
      table.initialize(repeating: arena.pointer, count: Swift.max(1, program.slotCount))
      for (slot, offset) in program.arenaSlots { table[slot] = arena.pointer + offset }
      for (slot, constant) in program.constantSlots { table[slot] = program.constants[constant].pointer }
    }

    deinit { table.deallocate() }

    func setInput(_ i: Int, _ pointer: UnsafeMutableRawPointer) {
      for slot in program.inputSlots[i] { table[slot] = pointer }
    }
    func setOutput(_ i: Int, _ pointer: UnsafeMutableRawPointer) {
      for slot in program.outputSlots[i] { table[slot] = pointer }
    }
    fileprivate func pointers(_ first: Int) -> Kernel.Pointers { Kernel.Pointers(table + first) }
  }

  /// The median time of each kernel over `repeats` runs, longest first.
  func profile(_ context: Context, repeats: Int) -> [(kernel: String, milliseconds: Double)] {
    var times = [[Double]](repeating: [], count: steps.count)
    for _ in 0..<Swift.max(1, repeats) {
      for i in 0..<steps.count {
        let start = ContinuousClock.now
        steps[i].kernel.run(context.pointers(firstSlots[i]))
        let elapsed = ContinuousClock.now - start
        times[i].append(Double(elapsed.components.attoseconds) * 1e-15 + Double(elapsed.components.seconds) * 1e3)
      }
    }
    return zip(steps, times).map { ($0.name, $1.sorted()[$1.count / 2]) }.sorted { $0.1 > $1.1 }
  }

  func run(_ context: Context) {
    for i in 0..<steps.count { steps[i].kernel.run(context.pointers(firstSlots[i])) }
  }
}
