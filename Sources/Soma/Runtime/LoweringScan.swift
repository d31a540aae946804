func lowerScan(_ scan: Scan) -> Kernel {
  let loop = ScanLoop(scan)
  guard scan.carries == 0, scan.length > 1 else { return loop.sequential }
  // Steps that do not need each other run side by side, if there are enough of them to keep the threads busy.
  guard scan.length >= Swift.min(Parallel.cores, 8) else { return loop.sequential }
  return loop.sideBySide
}

/// A scan's body and where it finds its operands: addresses of the results, then of the operands, then scratch memory.
private struct ScanLoop: Sendable {
  let scan: Scan
  let body: Executable
  let inputBytes: [Int]
  let outputBytes: [Int]

  init(_ scan: Scan) {
    self.scan = scan
    body = Executable.shared(for: scan.body)
    inputBytes = body.inputTypes.map(\.byteCount)
    outputBytes = body.outputTypes.map(\.byteCount)
  }

  var results: Int { outputBytes.count }

  func setConstants(_ context: Program.Context, _ p: Kernel.Pointers) {
    for k in (scan.carries + scan.sequences)..<inputBytes.count { context.setInput(k, p[results + k]) }
  }

  /// Points at the step's slices of the sequences and stacked results.
  func setSlices(_ context: Program.Context, _ p: Kernel.Pointers, step t: Int) {
    let position = scan.reverse ? scan.length - 1 - t : t
    for s in scan.carries..<(scan.carries + scan.sequences) {
      context.setInput(s, p[results + s] + position * inputBytes[s])
    }
    for r in scan.carries..<results { context.setOutput(r, p[r] + position * outputBytes[r]) }
  }

  var sideBySide: Kernel {
    let stepBytes = inputBytes.reduce(0, +) + outputBytes.reduce(0, +) + body.memory.intermediates
    let grain = Swift.max(1, 4 * parallelGrain / Swift.max(1, stepBytes))
    let loop = ParallelLoop(scan.length, grain: grain) { p, _, part in
      let context = body.takeContext()
      setConstants(context, p)
      for t in part {
        setSlices(context, p, step: t)
        body.run(context)
      }
      body.giveContext(context)
    }
    return Kernel(held: Swift.min(Parallel.cores, scan.length) * body.memory.intermediates) { p in loop.run(p) }
  }

  var sequential: Kernel {
    let carries = scan.carries
    // Each carry has two places that take turns.
    var offsets: [Int] = []
    var half = 0
    for bytes in inputBytes.prefix(carries) {
      offsets.append(half)
      half += (bytes + 63) & ~63
    }
    let (places, turn) = (offsets, half)
    return Kernel(scratch: Swift.max(64, 2 * half), held: body.memory.intermediates) { p in
      let input = p + results
      let memory = p[results + inputBytes.count]
      if scan.length == 0 {
        for c in 0..<carries { p[c].copyMemory(from: input[c], byteCount: inputBytes[c]) }
        return
      }
      let context = body.takeContext()
      setConstants(context, p)
      for c in 0..<carries { context.setInput(c, input[c]) }
      for t in 0..<scan.length {
        let target = memory + (t & 1) * turn
        setSlices(context, p, step: t)
        let isLast = t == scan.length - 1
        for c in 0..<carries { context.setOutput(c, isLast ? p[c] : target + places[c]) }
        body.run(context)
        if !isLast { for c in 0..<carries { context.setInput(c, target + places[c]) } }
      }
      body.giveContext(context)
    }
  }
}
