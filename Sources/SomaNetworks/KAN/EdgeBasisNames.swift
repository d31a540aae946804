import Soma

/// Bases of edges as text, for command lines and experiment files: `chebyshev`, `fourier:6` (a number of functions or intervals),
/// `activation:mish` (shifted copies of any activation of the catalogue).
public enum EdgeBasisNames {
  /// The names, with one line about each.
  public static let all: [(name: String, summary: String)] = entries.map { ($0.name, $0.summary) }

  private struct Entry: Sendable {
    var name: String
    var summary: String
    /// The number that stands behind the colon, if none does.
    var usual: Int
    var make: @Sendable (_ count: Int, _ range: ClosedRange<Double>) -> any EdgeBasis
  }

  private static let entries: [Entry] = [
    Entry(name: "bspline", summary: "cubic B-splines; the number of intervals", usual: 5) {
      BSpline(intervals: $0, range: $1)
    },
    Entry(name: "chebyshev", summary: "Chebyshev polynomials of tanh x", usual: 8) { count, _ in ChebyshevBasis(count)
    },
    Entry(name: "legendre", summary: "Legendre polynomials of tanh x", usual: 8) { count, _ in LegendreBasis(count) },
    Entry(name: "taylor", summary: "powers of tanh x", usual: 8) { count, _ in TaylorBasis(count) },
    Entry(name: "fourier", summary: "sines and cosines; the number of harmonics", usual: 4) { count, range in
      // The series repeats after twice the range.
      FourierBasis(count, frequency: .pi / (range.upperBound - range.lowerBound))
    },
    Entry(name: "rbf", summary: "Gaussian bumps", usual: 8) { GaussianBasis($0, range: $1) },
    Entry(name: "switch", summary: "bumps 1 - tanh²", usual: 8) { SwitchBasis($0, range: $1) },
    Entry(name: "wavelet", summary: "Mexican hats", usual: 8) { WaveletBasis(.mexicanHat, count: $0, range: $1) },
    Entry(name: "morlet", summary: "Morlet wavelets", usual: 8) { WaveletBasis(.morlet, count: $0, range: $1) },
    Entry(name: "gaussian-derivative", summary: "derivatives of Gaussians", usual: 8) {
      WaveletBasis(.gaussianDerivative, count: $0, range: $1)
    },
    Entry(name: "meyer", summary: "Meyer's wavelets", usual: 8) { WaveletBasis(.meyer, count: $0, range: $1) },
    Entry(name: "shannon", summary: "Shannon's wavelets", usual: 8) { WaveletBasis(.shannon, count: $0, range: $1) },
    Entry(name: "rational", summary: "quotients of polynomials; the degree of the numerator", usual: 5) { count, _ in
      RationalBasis(count)
    },
  ]

  /// - Parameter range: where a network's inputs lie; polynomials and quotients, which cover all numbers, take no notice
  /// - Throws: `NetworkError` for a name that is not known, or an impossible number.
  public static func named(_ text: String, range: ClosedRange<Double> = -1...1) throws(NetworkError) -> any EdgeBasis {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let name = parts[0].lowercased()
    if name == "activation", parts.count == 2 {
      let activation: Activation
      do { activation = try .named(parts[1]) } catch { throw .activation(error) }
      guard !activation.takesPair else { throw .unsuitableActivation(activation.name, network: "an edge") }
      return ActivationBasis(activation, range: range)
    }
    guard let entry = entries.first(where: { $0.name == name }) else {
      let known = entries.map(\.name)
      let nearest = nearestNames(to: name, among: known)
      throw .unknownBasis(parts[0], nearest: nearest.isEmpty ? known + ["activation:NAME"] : nearest)
    }
    guard parts.count == 2 else { return entry.make(entry.usual, range) }
    guard let count = Int(parts[1]), (2...64).contains(count) else { throw .malformedCount(parts[1], basis: name) }
    return entry.make(count, range)
  }
}
