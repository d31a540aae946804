import Soma
import Testing

@testable import SomaLearning

@Suite struct LossTests {
  typealias Case = (name: String, inputs: [Tensor], loss: @Sendable ([Tensor]) -> Tensor)

  static let cases: [Case] = {
    let logits = numbers([5, 4], 1, 2)
    let labels = Tensor([2, 0, 3, 1, 0] as [Int32])
    let soft = numbers([5, 4], 2).softmax()
    let weights = [0.5, 1, 2, 1.5]
    let (x, y) = (numbers([5, 3], 3, 2), numbers([5, 3], 4))
    let unit = numbers([5, 3], 5).logistic()
    let signs = numbers([5, 3], 6).sign()
    let pair = Tensor([1, -1, 1, -1, 1] as [Double])
    let (a, p, n) = (numbers([5, 3], 7), numbers([5, 3], 8), numbers([5, 3], 9))
    let (times, lengths) = (Tensor([7, 5, 6] as [Int32]), Tensor([3, 2, 1] as [Int32]))
    let ctcLabels = Tensor([[1, 2, 2], [3, 1, 4], [4, 0, 0]] as [[Int32]])
    let ctc = numbers([3, 7, 5], 10, 2)
    return [
      ("crossEntropy", [logits], { CrossEntropy()($0[0], labels) }),
      ("crossEntropy sum", [logits], { CrossEntropy(reduction: .sum)($0[0], labels) }),
      ("crossEntropy smoothed", [logits], { CrossEntropy(labelSmoothing: 0.1)($0[0], labels) }),
      ("crossEntropy weighted", [logits], { CrossEntropy(classWeights: weights)($0[0], labels) }),
      (
        "crossEntropy all", [logits],
        { CrossEntropy(labelSmoothing: 0.2, classWeights: weights, ignoredLabel: 0)($0[0], labels) }
      ),
      ("crossEntropy soft", [logits], { CrossEntropy()($0[0], soft) }),
      (
        "crossEntropy soft all", [logits],
        { CrossEntropy(labelSmoothing: 0.2, classWeights: weights)($0[0], soft) }
      ),
      ("binary", [x], { BinaryCrossEntropy()($0[0], unit) }),
      ("binary weighted", [x], { BinaryCrossEntropy(positiveWeight: 2.5)($0[0], unit) }),
      ("mse", [x], { MeanSquaredError()($0[0], y) }),
      ("mae", [x], { MeanAbsoluteError()($0[0], y) }),
      ("huber", [x], { Huber(delta: 0.8)($0[0], y) }),
      ("kl", [logits], { KullbackLeibler()($0[0], soft) }),
      ("hinge", [x], { Hinge()($0[0], signs) }),
      ("multiclassHinge", [logits], { MulticlassHinge(margin: 0.7)($0[0], labels) }),
      ("multiclassHinge squared", [logits], { MulticlassHinge(power: 2)($0[0], labels) }),
      ("cosine", [a, p], { CosineEmbedding(margin: 0.1)($0[0], $0[1], labels: pair) }),
      ("triplet", [a, p, n], { TripletMargin()(anchor: $0[0], positive: $0[1], negative: $0[2]) }),
      (
        "triplet swap", [a, p, n], { TripletMargin(swapsAnchor: true)(anchor: $0[0], positive: $0[1], negative: $0[2]) }
      ),
      ("contrastive", [a, p], { ContrastivePairs(margin: 1.5)($0[0], $0[1], labels: (pair + 1) / 2) }),
      ("ntxent", [a, p], { NTXent(temperature: 0.5)($0[0], $0[1]) }),
      (
        "gaussian", [x, y],
        { GaussianNegativeLogLikelihood()(Tensor.concatenate([$0[0], $0[1]], axis: -1), y) }
      ),
      (
        "gaussian full", [x, y],
        { GaussianNegativeLogLikelihood(isFull: true)(Tensor.concatenate([$0[0], $0[1]], axis: -1), y) }
      ),
      ("ctc", [ctc], { CTC()($0[0], ctcLabels, times: times, lengths: lengths) }),
      ("ctc sum", [ctc], { CTC(reduction: .sum)($0[0], ctcLabels, times: times, lengths: lengths) }),
    ]
  }()

  @Test func everyGoldenLossIsTested() {
    #expect(Set(Self.cases.map(\.name)) == Set(LearningGolden.losses.keys))
  }

  @Test(arguments: cases.indices)
  func valueAndGradientAreTorchs(_ i: Int) {
    let (name, inputs, loss) = Self.cases[i]
    let expected = LearningGolden.losses[name]!
    for run in [
      { valueAndGrad($0, loss) },
      { x in
        let result = compile { (x: [Tensor]) in
          let (value, gradient) = valueAndGrad(x, loss)
          return [value] + gradient
        }(x)
        return (result[0], Array(result.dropFirst()))
      },
    ] as [([Tensor]) -> (value: Tensor, gradient: [Tensor])] {
      let (value, gradient) = run(inputs)
      let actual = [value.scalar] + gradient.flatMap(\.doubles)
      #expect(largestError(actual, expected, floor: 0.01) < 1e-10, "\(name)")
    }
  }

  @Test func singlePrecisionCrossEntropyStaysExactForExtremeLogits() {
    let logits: Tensor = [[1000, 0, -1000], [-200, -300, 500]]
    let (value, gradient) = valueAndGrad(logits) { CrossEntropy(reduction: .sum)($0, Tensor([1, 2] as [Int32])) }
    #expect(value.scalar == 1000)
    #expect(gradient.floats == [1, -1, 0, 0, 0, 0])
  }

  @Test func unreducedLossesKeepTheShapeOfTheTargets() {
    let logits = numbers([2, 3, 4], 1)
    let labels = Tensor([0, 1, 2, 3, 0, 1] as [Int32], shape: [2, 3])
    let losses = CrossEntropy(reduction: .none)(logits, labels)
    #expect(losses.shape == [2, 3])
    let expected = -logits.logSoftmax().reshape([6, 4]).takeAlong(labels.reshape([6, 1]), axis: 1).flattened()
    #expect(largestError(losses.doubles, expected.doubles, floor: 0.01) < 1e-14)
  }

  @Test func aColumnOfPredictionsTakesAVectorOfTargets() {
    let predictions: Tensor = [[1], [2], [4]]
    let loss = MeanSquaredError()(predictions, Tensor([1, 1, 1] as [Float]))
    #expect(loss.item(as: Float.self) == Float(10) / 3)
  }

  @Test func impossibleAlignmentsAreInfiniteOrIgnored() {
    // Two equal labels need a blank between them: three positions.
    let labels = Tensor([[1, 1]] as [[Int32]])
    let logits = numbers([1, 2, 3], 0)
    #expect(CTC()(logits, labels).scalar == .infinity)
    let (value, gradient) = valueAndGrad(logits) { CTC(ignoresImpossible: true)($0, labels) }
    #expect(value.scalar == 0)
    #expect(gradient.doubles.allSatisfy { $0 == 0 })
  }

  @Test func alignmentsOfOneLabelAreCountedByHand() {
    // Of three positions with probability 1/2 for label and blank, 6 of 8 paths read as the label alone: all but
    // "blank blank blank" and "label blank label".
    let value = CTC()(Tensor.zeros([1, 3, 2], dtype: .float64), Tensor([[1]] as [[Int32]])).scalar
    #expect(abs(value + (6.0 / 8).logarithm) < 1e-12)
  }
}

extension Double {
  fileprivate var logarithm: Double { Tensor(self, dtype: .float64).log().scalar }
}
