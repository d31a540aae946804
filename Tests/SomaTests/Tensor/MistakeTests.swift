import Testing

@testable import Soma

#if os(Linux) || os(macOS)
  /// A programmer's mistake ends the process with a message that names the operation, the shapes and the layer.
  @Suite struct MistakeTests {
    private static func message(_ result: ExitTest.Result?) -> String {
      String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }

    @Test func productsOfShapesThatDoNotFit() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        scoped("encoder/0/attention") { _ = Tensor.ones([4, 3]).matmul(Tensor.ones([4, 5])) }
      }
      #expect(
        Self.message(result).contains(
          "matmul: shapes [4, 3] and [4, 5] cannot multiply in encoder/0/attention"))
    }

    @Test func operandsThatDoNotBroadcast() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        scoped("head") { _ = Tensor.ones([4, 3]) + Tensor.ones([2, 3]) }
      }
      #expect(Self.message(result).contains("add: shapes [4, 3] and [2, 3] do not broadcast in head"))
    }

    @Test func primitivesNameTheirOperands() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        scoped("net") { _ = Tensor.concatenate([Tensor.ones([2, 3]), Tensor.ones([2, 4])]) }
      }
      #expect(
        Self.message(result).contains(
          "concatenate(float32[2, 3], float32[2, 4]) in net: shapes may differ along axis 0 only"))
    }

    @Test func convolutionsOfOtherChannels() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.ones([1, 3, 8, 8]).convolution(Tensor.ones([4, 2, 3, 3]))
      }
      #expect(
        Self.message(result).contains(
          "convolution(float32[1, 3, 8, 8], float32[4, 2, 3, 3]): input channels 3, kernel [4, 2, 3, 3], groups 1"))
    }

    @Test func reshapesThatDoNotFit() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.ones([2, 3]).reshape(-1, 4)
      }
      #expect(Self.message(result).contains("reshape: 6 elements of shape [2, 3] do not fit [-1, 4]"))
    }

    @Test func positionsOutsideAnAxis() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.ones([2, 3])[0, 3]
      }
      #expect(Self.message(result).contains("position 3 of axis 1 of shape [2, 3]"))
    }

    @Test func indicesOutsideAnAxis() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.ones([2, 3]).take(Tensor([0, 5]))
      }
      #expect(Self.message(result).contains("take: index 5 lies outside an axis of length 2"))
    }

    @Test func valuesOfTracedTensors() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = grad { (x: Tensor) in x * x.scalar }(Tensor(1))
      }
      #expect(Self.message(result).contains("the elements of a traced tensor of shape [] are not known while tracing"))
    }

    @Test func tracedTensorsThatLeaveTheirFunction() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var kept: Tensor?
        _ = Graph(tracing: [TensorType(shape: [2])]) { x in
          kept = x[0]
          return x
        }
        _ = kept!.sin()
      }
      #expect(Self.message(result).contains("a traced tensor was used after its function had been traced"))
    }

    @Test func gradientsOfFunctionsWithManyValues() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = grad { (x: Tensor) in x.sin() }(Tensor.ones([3]))
      }
      #expect(
        Self.message(result).contains("grad wants a function with one floating number as value, not float32[3]"))
    }

    @Test func loopsWhoseCarriesChange() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = scan([Tensor.ones([2])], [], length: 3) { carry, _ in ([carry[0].sum()], []) }
      }
      #expect(Self.message(result).contains("the body must return carries of the types it takes"))
    }

    @Test func batchesOfOtherLengths() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = vmap { (x: [Tensor]) in x[0] + x[1] }([Tensor.ones([3]), Tensor.ones([4])])
      }
      #expect(Self.message(result).contains("vmap: the batch axes have other lengths"))
    }
  }
#endif
