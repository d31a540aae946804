import Soma

/// Connectionist temporal classification: the negative log-probability of all alignments of a label sequence with a longer
/// sequence of predictions, blanks in between (Graves, Fernández, Gomez, Schmidhuber 2006).
///
/// The forward recursion runs in log space as one `scan`; its derivative is the backward recursion. The mean divides each
/// sample's loss by its number of labels, then averages.
public struct CTC: Sendable {
  /// The class that stands for no label.
  public var blank: Int
  /// Whether a sample whose labels cannot fit its length counts 0 instead of infinity.
  public var ignoresImpossible: Bool
  public var reduction: LossReduction

  public init(blank: Int = 0, ignoresImpossible: Bool = false, reduction: LossReduction = .mean) {
    self.blank = blank
    self.ignoresImpossible = ignoresImpossible
    self.reduction = reduction
  }

  /// Log-probability zero, finite so that derivatives stay finite.
  private static let never = -1e30

  /// - Parameters:
  ///   - logits: `[n, time, classes]`
  ///   - labels: `[n, length]`, integers, padded at the end
  ///   - times: how many positions of each sample count, `[n]`; nil: all
  ///   - lengths: how many labels of each sample count, `[n]`; nil: all
  public func callAsFunction(_ logits: Tensor, _ labels: Tensor, times: Tensor? = nil, lengths: Tensor? = nil) -> Tensor
  {
    require(
      logits.rank == 3 && labels.rank == 2 && labels.shape[0] == logits.shape[0] && logits.shape[1] > 0
        && labels.dtype.isInteger,
      "CTC: logits of shape \(logits.shape), labels \(labels.dtype)\(labels.shape); wants [n, time, classes] and "
        + "integers [n, length]")
    let (n, time, count) = (logits.shape[0], logits.shape[1], labels.shape[1])
    let states = 2 * count + 1
    let times = (times ?? Tensor.full([n], time, dtype: .int32)).cast(to: .int32)
    let lengths = (lengths ?? Tensor.full([n], count, dtype: .int32)).cast(to: .int32)
    require(times.shape == [n] && lengths.shape == [n], "CTC: lengths of shapes \(times.shape), \(lengths.shape)")

    // blank, label, blank, label, … blank
    let symbols = labels.cast(to: .int32)
    let blanks = Tensor.full([n, 1], blank, dtype: .int32)
    let pairs = Tensor.stack([Tensor.full(labels.shape, blank, dtype: .int32), symbols], axis: -1)
    let path = Tensor.concatenate([pairs.reshape([n, 2 * count]), blanks], axis: 1)
    let emissions = logits.logSoftmax().takeAlong(path.expandDimensions(at: 1), axis: 2).movingAxis(1, to: 0)

    let state = Tensor.iota([states], dtype: .int32)
    let first = Tensor.select(state .< 2, emissions[0], Self.never)
    var last = first
    if time > 1 {
      func shifted(_ x: Tensor, _ by: Int, _ filler: some TensorScalar) -> Tensor {
        let width = Swift.min(by, states)
        return .concatenate([Tensor.full([n, width], filler, dtype: x.dtype), x[0..., 0..<(states - width)]], axis: 1)
      }
      // A blank between two labels may be skipped if they differ.
      let maySkip = (path .!= blank) .& (path .!= shifted(path, 2, -1))
      let isInside = (Tensor.iota([time - 1, 1, 1], dtype: .int32) + 1) .< times.reshape([1, n, 1])
      let (carries, _) = scan([first], [emissions[1...], isInside]) { carries, slices in
        let stay = carries[0]
        let next = shifted(stay, 1, Self.never)
        let skip = Tensor.select(maySkip, shifted(stay, 2, Self.never), Self.never)
        let peak = stay.maximum(next).maximum(skip).stopGradient()
        let sum = (stay - peak).exp() + (next - peak).exp() + (skip - peak).exp()
        return ([.select(slices[1], peak + sum.log() + slices[0], stay)], [])
      }
      last = carries[0]
    }
    let end = lengths.expandDimensions(at: -1) * 2
    let isEnd = (state .== end) .| (state .== end - 1)
    let losses = -Tensor.select(isEnd, last, Self.never).logSumExp([-1])
    let isImpossible = losses .> -Self.never / 2
    let values = Tensor.select(isImpossible, ignoresImpossible ? 0 : Double.infinity, losses)
    guard reduction == .mean else { return LossTerms(values).reduced(reduction) }
    return (values / lengths.maximum(1).cast(to: values.dtype)).mean()
  }
}
