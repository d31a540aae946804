import Kernels
import Testing

/// A convolution for the tests, with the output's extents worked out.
private struct Convolution: CustomTestStringConvertible {
  var batch = 2
  var inputs = 3
  var outputs = 4
  var groups = 1
  var image: [Int]
  var taps: [Int]
  var stride: [Int]
  var dilation: [Int]
  var low: [Int]
  var high: [Int]

  init(
    _ image: [Int], taps: [Int], stride: [Int]? = nil, dilation: [Int]? = nil, low: [Int]? = nil, high: [Int]? = nil,
    batch: Int = 2, inputs: Int = 3, outputs: Int = 4, groups: Int = 1
  ) {
    self.image = image
    self.taps = taps
    self.stride = stride ?? image.map { _ in 1 }
    self.dilation = dilation ?? image.map { _ in 1 }
    self.low = low ?? image.map { _ in 0 }
    self.high = high ?? image.map { _ in 0 }
    (self.batch, self.inputs, self.outputs, self.groups) = (batch, inputs, outputs, groups)
  }

  var rank: Int { image.count }
  var map: [Int] {
    (0..<rank).map { (image[$0] + low[$0] + high[$0] - (taps[$0] - 1) * dilation[$0] - 1) / stride[$0] + 1 }
  }
  var inputCount: Int { image.reduce(batch * inputs, *) }
  var kernelCount: Int { taps.reduce(outputs * inputs / groups, *) }
  var outputCount: Int { map.reduce(batch * outputs, *) }
  var testDescription: String {
    "\(batch)x\(inputs)->\(outputs)/\(groups) \(image) taps \(taps) steps \(stride) dilation \(dilation) \(low) \(high)"
  }

  var shape: soma_conv_shape {
    func triple(_ values: [Int]) -> (Int64, Int64, Int64) {
      (Int64(values[0]), rank > 1 ? Int64(values[1]) : 0, rank > 2 ? Int64(values[2]) : 0)
    }
    return soma_conv_shape(
      rank: Int32(rank), n: Int64(batch), c: Int64(inputs), o: Int64(outputs), groups: Int64(groups),
      in: triple(image), taps: triple(taps), out: triple(map), stride: triple(stride), dilation: triple(dilation),
      low: triple(low), high: triple(high))
  }

  /// Calls `body(input, kernel, output)` with the offsets of every product in the definition.
  func forEachProduct(_ body: (Int, Int, Int) -> Void) {
    func positions(_ extents: [Int]) -> [[Int]] {
      extents.reduce([[]]) { partial, extent in partial.flatMap { p in (0..<extent).map { p + [$0] } } }
    }
    func offset(_ position: [Int], _ extents: [Int]) -> Int { zip(position, extents).reduce(0) { $0 * $1.1 + $1.0 } }
    var pairs: [(image: Int, tap: Int, point: Int)] = []
    for point in positions(map) {
      for tap in positions(taps) {
        let place = (0..<rank).map { point[$0] * stride[$0] + tap[$0] * dilation[$0] - low[$0] }
        guard (0..<rank).allSatisfy({ place[$0] >= 0 && place[$0] < image[$0] }) else { continue }
        pairs.append((offset(place, image), offset(tap, taps), offset(point, map)))
      }
    }
    let (imageSize, tapSize, mapSize) = (image.reduce(1, *), taps.reduce(1, *), map.reduce(1, *))
    let (perInput, perOutput) = (inputs / groups, outputs / groups)
    for n in 0..<batch {
      for o in 0..<outputs {
        for c in 0..<perInput {
          let x = (n * inputs + o / perOutput * perInput + c) * imageSize
          let w = (o * perInput + c) * tapSize
          let y = (n * outputs + o) * mapSize
          for pair in pairs { body(x + pair.image, w + pair.tap, y + pair.point) }
        }
      }
    }
  }
}

private let convolutions: [Convolution] = [
  Convolution([17], taps: [3]),
  Convolution([20], taps: [5], stride: [2], dilation: [2], low: [4], high: [1], inputs: 16, outputs: 16),
  Convolution([9], taps: [1], stride: [3], inputs: 5, outputs: 7),
  Convolution([8, 9], taps: [3, 3], low: [1, 1], high: [1, 1]),
  Convolution([8, 9], taps: [3, 3], low: [1, 1], high: [1, 1], inputs: 16, outputs: 32),
  Convolution(
    [11, 8], taps: [2, 4], stride: [2, 3], dilation: [3, 1], low: [0, 2], high: [3, 1], inputs: 17, outputs: 5),
  Convolution([7, 7], taps: [3, 3], stride: [2, 2], low: [1, 0], high: [0, 2], inputs: 6, outputs: 8, groups: 2),
  Convolution([7, 6], taps: [3, 3], low: [1, 1], high: [1, 1], inputs: 32, outputs: 32, groups: 32),
  Convolution([7, 6], taps: [3, 3], stride: [2, 1], inputs: 5, outputs: 10, groups: 5),
  Convolution([5, 5], taps: [1, 1], stride: [2, 2], inputs: 16, outputs: 16),
  Convolution([6, 30], taps: [6, 30], inputs: 2, outputs: 3),
  Convolution([3, 3], taps: [5, 5], low: [2, 4], high: [3, 1], inputs: 2, outputs: 2),
  Convolution([4, 5, 6], taps: [2, 3, 2], stride: [1, 2, 1], low: [1, 0, 0], high: [0, 1, 1]),
  Convolution([5, 4, 6], taps: [3, 1, 2], dilation: [2, 1, 3], low: [2, 0, 1], inputs: 16, outputs: 16, groups: 2),
  // The library counts the right-hand remainder that no tap reaches as padding it can drop.
  Convolution([10, 10], taps: [3, 3], stride: [4, 4], inputs: 16, outputs: 16),
  // Cropping: negative padding is left to the reference.
  Convolution([9, 9], taps: [3, 3], low: [-1, 1], high: [0, -2]),
  Convolution([40, 70], taps: [3, 3], low: [1, 1], high: [1, 1], batch: 1, inputs: 40, outputs: 3),
  // Lines of every length modulo a vector, rows of channels that fill no block.
  Convolution([32, 33], taps: [3, 3], low: [1, 1], high: [1, 1], batch: 1, inputs: 4, outputs: 19),
  Convolution([9, 31], taps: [3, 3], stride: [2, 2], low: [1, 1], high: [1, 1], inputs: 5, outputs: 13),
  Convolution([14, 14], taps: [3, 3], low: [1, 1], high: [1, 1], inputs: 16, outputs: 24),
  Convolution([7, 7], taps: [3, 3], low: [1, 1], high: [1, 1], batch: 5, inputs: 32, outputs: 40),
  Convolution([8, 8], taps: [5, 5], dilation: [2, 2], low: [4, 4], high: [4, 4], inputs: 8, outputs: 9),
  Convolution([28, 28], taps: [5, 5], inputs: 1, outputs: 6),
  Convolution([32, 32], taps: [4, 4], stride: [4, 4], inputs: 3, outputs: 10),
  Convolution(
    [16, 50], taps: [2, 3], stride: [3, 3], dilation: [2, 2], low: [2, 1], high: [0, 2], inputs: 3, outputs: 2),
  Convolution([56, 56], taps: [1, 1], batch: 1, inputs: 24, outputs: 16),
  Convolution([20, 1], taps: [3, 1], low: [1, 0], high: [1, 0], inputs: 3, outputs: 5),
  Convolution([6, 17], taps: [3, 1], stride: [2, 1], low: [1, 0], high: [1, 0], inputs: 3, outputs: 5),
  Convolution([300], taps: [9], stride: [3], dilation: [4], low: [16], high: [3], inputs: 2, outputs: 3),
  Convolution([16, 16], taps: [3, 3], low: [1, 1], high: [1, 1], inputs: 12, outputs: 12, groups: 12),
  Convolution(
    [16, 16], taps: [3, 3], stride: [2, 2], low: [1, 1], high: [1, 1], inputs: 6, outputs: 12, groups: 6),
  Convolution([9, 10, 11], taps: [3, 3, 3], low: [1, 1, 1], high: [1, 1, 1], inputs: 4, outputs: 5),
  Convolution(
    [9, 8, 12], taps: [3, 2, 3], stride: [2, 2, 2], low: [1, 0, 1], high: [1, 0, 1], inputs: 3, outputs: 6),
]

/// By oneDNN, or nil if it refuses.
private func execute(_ role: soma_conv_role, _ it: Convolution, _ first: [Float], _ second: [Float]) -> [Float]? {
  var shape = it.shape
  guard let conv = soma_conv_create(role, &shape) else { return nil }
  defer { soma_conv_destroy(conv) }
  let count =
    role == SOMA_CONV_OUTPUT ? it.outputCount : role == SOMA_CONV_INPUT ? it.inputCount : it.kernelCount
  var result = [Float](repeating: .nan, count: count)
  #expect(soma_conv_execute(conv, first, second, &result) == 0)
  // Once more: nothing may remain from the first execution.
  let once = result
  #expect(soma_conv_execute(conv, first, second, &result) == 0)
  #expect(once == result)
  return result
}

/// By the runtime's own loops, the work divided in `divisions`, or nil if they refuse.
private func planned<T: BinaryFloatingPoint & BitwiseCopyable>(
  _ role: soma_conv_role, _ type: soma_dtype, _ it: Convolution, _ first: [T], _ second: [T], divisions: Int = 1
) -> [T]? {
  var shape = it.shape
  guard let plan = soma_conv_plan_create(role, type, &shape) else { return nil }
  defer { soma_conv_plan_destroy(plan) }
  let count =
    role == SOMA_CONV_OUTPUT ? it.outputCount : role == SOMA_CONV_INPUT ? it.inputCount : it.kernelCount
  let margin = 64
  var result = [T](repeating: .nan, count: count + margin)
  // What scratch memory holds must not matter.
  var packed = [UInt64](repeating: .max, count: soma_conv_plan_packed(plan) / 8 + 1)
  var scratch = [UInt64](repeating: .max, count: soma_conv_plan_scratch(plan) / 8 + 1)
  let blocks = soma_conv_plan_blocks(plan)
  for i in 0..<divisions {
    soma_conv_plan_pack(plan, second, &packed, blocks * i / divisions, blocks * (i + 1) / divisions)
  }
  let units = soma_conv_plan_units(plan)
  for i in 0..<divisions {
    let (from, to) = (units * i / divisions, units * (i + 1) / divisions)
    if role == SOMA_CONV_KERNEL {
      soma_conv_plan_run(plan, first, second, &result, &scratch, from, to)
    } else {
      soma_conv_plan_run(plan, first, packed, &result, &scratch, from, to)
    }
  }
  let isUntouched = result[count...].allSatisfy { $0.isNaN }
  #expect(isUntouched, "nothing is written past the result")
  return Array(result[..<count])
}

private func reference<T: BitwiseCopyable>(
  _ role: soma_conv_role, _ type: soma_dtype, _ it: Convolution, _ first: [T], _ second: [T], fill: T
) -> [T] {
  var shape = it.shape
  let count =
    role == SOMA_CONV_OUTPUT ? it.outputCount : role == SOMA_CONV_INPUT ? it.inputCount : it.kernelCount
  var result = [T](repeating: fill, count: count)
  var scratch = [UInt64](repeating: .max, count: soma_convolve_scratch(role, type, &shape) / 8 + 1)
  #expect(soma_convolve_reference(role, type, &shape, first, second, &result, &scratch) == 0)
  return result
}

@Suite struct LinearConvolutionTests {
  @Test(arguments: convolutions)
  private func allRolesFollowTheDefinition(it: Convolution) {
    var random = LinearRandom(UInt64(it.inputCount))
    let input = random.floats(it.inputCount)
    let kernel = random.floats(it.kernelCount)
    let gradient = random.floats(it.outputCount)
    let (x, w, g) = (input.map(Double.init), kernel.map(Double.init), gradient.map(Double.init))
    var output = [Double](repeating: 0, count: it.outputCount)
    var inputGradient = [Double](repeating: 0, count: it.inputCount)
    var kernelGradient = [Double](repeating: 0, count: it.kernelCount)
    it.forEachProduct { i, k, o in
      output[o] += x[i] * w[k]
      inputGradient[i] += g[o] * w[k]
      kernelGradient[k] += x[i] * g[o]
    }
    let cases = [
      (SOMA_CONV_OUTPUT, input, kernel, output), (SOMA_CONV_INPUT, gradient, kernel, inputGradient),
      (SOMA_CONV_KERNEL, input, gradient, kernelGradient),
    ]
    for (role, first, second, expected) in cases {
      let double = reference(role, SOMA_F64, it, first.map(Double.init), second.map(Double.init), fill: .nan)
      #expect(relativeDifference(double, expected) < 1e-14, "role \(role.rawValue)")
      let single = reference(role, SOMA_F32, it, first, second, fill: .nan)
      #expect(relativeDifference(single.map(Double.init), expected) < 2e-6, "role \(role.rawValue)")
      if let library = execute(role, it, first, second) {
        #expect(relativeDifference(library.map(Double.init), expected) < 2e-6, "role \(role.rawValue)")
      }
      if let own = planned(role, SOMA_F32, it, first, second) {
        #expect(relativeDifference(own.map(Double.init), expected) < 2e-6, "role \(role.rawValue)")
      }
      if let own = planned(role, SOMA_F64, it, first.map(Double.init), second.map(Double.init)) {
        #expect(relativeDifference(own, expected) < 1e-14, "role \(role.rawValue)")
      }
    }
  }

  @Test(arguments: convolutions)
  private func divisionsOfTheWorkGiveTheSameBits(it: Convolution) {
    var random = LinearRandom(11)
    let (x, w, g) = (random.floats(it.inputCount), random.floats(it.kernelCount), random.floats(it.outputCount))
    #expect(
      planned(SOMA_CONV_OUTPUT, SOMA_F32, it, x, w) == planned(SOMA_CONV_OUTPUT, SOMA_F32, it, x, w, divisions: 3))
    #expect(planned(SOMA_CONV_INPUT, SOMA_F32, it, g, w) == planned(SOMA_CONV_INPUT, SOMA_F32, it, g, w, divisions: 3))
  }

  /// Values that are not numbers reach exactly what they are a part of.
  @Test func whatIsNotReadMayBeAnything() {
    let it = Convolution([7, 9], taps: [2, 2], stride: [3, 4], batch: 1, inputs: 1, outputs: 1)
    var x = [Float](repeating: .nan, count: it.inputCount)
    for y in 0..<2 { for z in 0..<2 { for a in 0..<2 { for b in 0..<2 { x[(3 * y + a) * 9 + 4 * z + b] = 1 } } } }
    guard let output = planned(SOMA_CONV_OUTPUT, SOMA_F32, it, x, [1, 2, 3, 4]) else { return }
    #expect(output == [10, 10, 10, 10])
    let gradient = planned(SOMA_CONV_KERNEL, SOMA_F32, it, x, [1, 1, 1, 1])
    #expect(gradient == [4, 4, 4, 4])
  }

  @Test(arguments: convolutions)
  private func theThreeRolesAreOneTrilinearForm(it: Convolution) {
    var random = LinearRandom(7)
    let x = random.doubles(it.inputCount)
    let w = random.doubles(it.kernelCount)
    let g = random.doubles(it.outputCount)
    func inner(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let viaOutput = inner(reference(SOMA_CONV_OUTPUT, SOMA_F64, it, x, w, fill: .nan), g)
    let viaInput = inner(reference(SOMA_CONV_INPUT, SOMA_F64, it, g, w, fill: .nan), x)
    let viaKernel = inner(reference(SOMA_CONV_KERNEL, SOMA_F64, it, x, g, fill: .nan), w)
    let scale = Double(it.outputCount).squareRoot()
    #expect(abs(viaOutput - viaInput) < 1e-13 * scale)
    #expect(abs(viaOutput - viaKernel) < 1e-13 * scale)
  }

  @Test(arguments: convolutions)
  private func integersWrap(it: Convolution) {
    var random = LinearRandom(8)
    let input = random.int32s(it.inputCount)
    let kernel = random.int32s(it.kernelCount)
    let gradient = random.int32s(it.outputCount)
    var output = [Int32](repeating: 0, count: it.outputCount)
    var inputGradient = [Int64](repeating: 0, count: it.inputCount)
    var kernelGradient = [Int32](repeating: 0, count: it.kernelCount)
    it.forEachProduct { i, k, o in
      output[o] &+= input[i] &* kernel[k]
      inputGradient[i] &+= Int64(gradient[o]) &* Int64(kernel[k])
      kernelGradient[k] &+= input[i] &* gradient[o]
    }
    #expect(reference(SOMA_CONV_OUTPUT, SOMA_I32, it, input, kernel, fill: -1) == output)
    #expect(
      reference(SOMA_CONV_INPUT, SOMA_I64, it, gradient.map(Int64.init), kernel.map(Int64.init), fill: -1)
        == inputGradient)
    #expect(reference(SOMA_CONV_KERNEL, SOMA_I32, it, input, gradient, fill: -1) == kernelGradient)
  }

  /// Every combination of layouts gives what row-major operands give, permuted.
  @Test(arguments: convolutions)
  private func channelsMayBeLast(it: Convolution) {
    func last(_ values: [Float], _ channels: Int) -> [Float] {
      let points = values.count / it.batch / channels
      return values.indices.map { i in
        values[(i / (points * channels) * channels + i % channels) * points + i / channels % points]
      }
    }
    var random = LinearRandom(9)
    let x = random.floats(it.inputCount)
    let w = random.floats(it.kernelCount)
    let g = random.floats(it.outputCount)
    let (ins, outs) = (it.inputs, it.outputs)
    // Channels of each operand; 0 for kernels.
    let cases = [
      (SOMA_CONV_OUTPUT, x, w, [ins, 0, outs]), (SOMA_CONV_INPUT, g, w, [outs, 0, ins]),
      (SOMA_CONV_KERNEL, x, g, [ins, outs, 0]),
    ]
    for (role, first, second, channels) in cases {
      let expected = reference(role, SOMA_F32, it, first, second, fill: .nan)
      for operands in 1...7 {
        var shape = it.shape
        guard let conv = soma_conv_create_channels_last(role, &shape, Int32(operands)) else { continue }
        defer { soma_conv_destroy(conv) }
        func arranged(_ values: [Float], _ index: Int) -> [Float] {
          operands >> index & 1 == 1 && channels[index] > 0 ? last(values, channels[index]) : values
        }
        var result = [Float](repeating: .nan, count: expected.count)
        #expect(soma_conv_execute(conv, arranged(first, 0), arranged(second, 1), &result) == 0)
        let difference = relativeDifference(result.map(Double.init), arranged(expected, 2).map(Double.init))
        #expect(difference < 2e-6, "role \(role.rawValue), operands \(operands)")
      }
    }
  }

  /// The shapes that networks are made of must not fall back to slower ways.
  @Test func ownLoopsTakeTheUsualShapes() {
    guard soma_cpu_level() == 2 else { return }
    for it in convolutions where it.map.allSatisfy({ $0 >= 4 }) {
      for role in [SOMA_CONV_OUTPUT, SOMA_CONV_INPUT, SOMA_CONV_KERNEL] {
        for type in [SOMA_F32, SOMA_F64] {
          var shape = it.shape
          let plan = soma_conv_plan_create(role, type, &shape)
          #expect(plan != nil, "\(it.testDescription), role \(role.rawValue)")
          soma_conv_plan_destroy(plan)
        }
      }
    }
  }

  @Test func theLibraryTakesTheUsualShapes() {
    for channels in [16, 32, 64] {
      for role in [SOMA_CONV_OUTPUT, SOMA_CONV_INPUT, SOMA_CONV_KERNEL] {
        for groups in [1, channels] {
          var shape = Convolution(
            [16, 16], taps: [3, 3], low: [1, 1], high: [1, 1], inputs: channels, outputs: channels, groups: groups
          ).shape
          let conv = soma_conv_create(role, &shape)
          #expect(conv != nil, "\(channels) channels in \(groups) groups, role \(role.rawValue)")
          if let conv {
            #expect(soma_conv_memory(conv) > 0)
            soma_conv_destroy(conv)
          }
        }
      }
    }
  }

  @Test func shapesThatContradictThemselvesAreRefused() {
    let good = Convolution([8, 8], taps: [3, 3], inputs: 4, outputs: 4).shape
    let breaks: [(String, (inout soma_conv_shape) -> Void)] = [
      ("rank", { $0.rank = 4 }), ("rank 0", { $0.rank = 0 }), ("groups", { $0.groups = 3 }),
      ("no groups", { $0.groups = 0 }), ("batch", { $0.n = 0 }), ("output", { $0.out.0 = 7 }),
      ("stride", { $0.stride.1 = 0 }), ("dilation", { $0.dilation.0 = 0 }), ("taps", { $0.taps.0 = 9 }),
      ("huge", { $0.low.0 = Int64.max }),
    ]
    for (name, change) in breaks {
      var shape = good
      change(&shape)
      #expect(soma_conv_create(SOMA_CONV_OUTPUT, &shape) == nil, "\(name)")
      #expect(soma_conv_plan_create(SOMA_CONV_OUTPUT, SOMA_F32, &shape) == nil, "\(name)")
    }
  }

  @Test func emptyBatchesAndEmptyChannelsAreHandled() {
    let batchless = Convolution([5], taps: [2], batch: 0)
    #expect(
      reference(SOMA_CONV_OUTPUT, SOMA_F32, batchless, [Float](), [Float](repeating: 1, count: 24), fill: 1) == [])
    let kernelGradient = reference(SOMA_CONV_KERNEL, SOMA_F32, batchless, [Float](), [], fill: 1)
    #expect(kernelGradient == [Float](repeating: 0, count: 24))
    let channelless = Convolution([5], taps: [2], inputs: 0)
    let output = reference(SOMA_CONV_OUTPUT, SOMA_F64, channelless, [Double](), [], fill: 1)
    #expect(output == [Double](repeating: 0, count: 2 * 4 * 4))
  }
}
