func lowerScan(_ scan: Scan) -> Kernel {
  let body = Executable.shared(for: scan.body)
  let carries = scan.carries
  let sequences = scan.sequences
  let inputBytes = body.inputTypes.map(\.byteCount)
  let outputBytes = body.outputTypes.map(\.byteCount)
  let results = outputBytes.count
  let inputs = inputBytes.count
  // Each carry has two places that take turns.
  var offsets: [Int] = []
  var scratch = 0
  for bytes in inputBytes.prefix(carries) {
    offsets.append(scratch)
    scratch += (bytes + 63) & ~63
  }
  let half = scratch
  let places = offsets
  return Kernel(scratch: Swift.max(64, 2 * half)) { p in
    let input = p + results
    let memory = p[results + inputs]
    if scan.length == 0 {
      for c in 0..<carries { p[c].copyMemory(from: input[c], byteCount: inputBytes[c]) }
      return
    }
    let context = body.takeContext()
    for k in (carries + sequences)..<inputs where k < inputs { context.setInput(k, input[k]) }
    for c in 0..<carries { context.setInput(c, input[c]) }
    for t in 0..<scan.length {
      let position = scan.reverse ? scan.length - 1 - t : t
      let target = memory + (t & 1) * half
      for s in 0..<sequences {
        context.setInput(carries + s, input[carries + s] + position * inputBytes[carries + s])
      }
      let isLast = t == scan.length - 1
      for c in 0..<carries { context.setOutput(c, isLast ? p[c] : target + places[c]) }
      for r in carries..<results where r < results { context.setOutput(r, p[r] + position * outputBytes[r]) }
      body.run(context)
      if !isLast { for c in 0..<carries { context.setInput(c, target + places[c]) } }
    }
    body.giveContext(context)
  }
}
