import Foundation
import Soma

/// Which share of the samples a step uses, as training goes on.
public enum RatioSchedule: Sendable, Hashable {
  case constant(Double)
  /// `ρ₀ + (t/T)(1 - ρ₀)`
  case linear(Double)
  /// `min(1, ρ₀ + ⌊t/(T/stages)⌋ (1 - ρ₀)/stages)`
  case step(Double, stages: Int = 10)
  /// `1 - ½ (1 - ρ₀)(1 + cos(πt/T))`
  case cosine(Double)
  /// `ρ₀ - ½ (ρ₀ - low)(1 - cos(πt/T))`
  case reverseCosine(Double, low: Double = 0.2)

  public func callAsFunction(_ step: Int, of total: Int) -> Double {
    let (t, all) = (Double(step), Double(max(total, 1)))
    switch self {
    case .constant(let start): return start
    case .linear(let start): return start + t / all * (1 - start)
    case .step(let start, let stages):
      // Whole steps a stage, so that 10 stages of 1000 steps change at 100, 200 …
      let stage = (t * Double(stages) / all).rounded(.down)
      return min(1, start + stage * (1 - start) / Double(stages))
    case .cosine(let start): return 1 - 0.5 * (1 - start) * (1 + cos(.pi * t / all))
    case .reverseCosine(let start, let low): return start - 0.5 * (start - low) * (1 - cos(.pi * t / all))
    }
  }

  var start: Double {
    switch self {
    case .constant(let r), .linear(let r), .step(let r, _), .cosine(let r), .reverseCosine(let r, _): r
    }
  }
}

/// When samples are chosen anew; in between the last choice is used.
public enum IntervalStrategy: Sendable, Hashable {
  /// Every `n` steps.
  case every(Int)
  /// Never: all samples, always.
  case never
  /// Each step for the first quarter, then every `largest/increments`, twice that, … up to `largest` steps.
  case incremental(largest: Int = 50, increments: Int = 5)
  /// From every `largest (1 - 1/increments)` steps down to each step.
  case reverseIncremental(largest: Int = 100, increments: Int = 10)

  /// Each step.
  public static let dense = IntervalStrategy.every(1)

  /// The number of steps between two choices at a step.
  public func interval(_ step: Int, of total: Int) -> Int? {
    switch self {
    case .every(let n): return n
    case .never: return nil
    case .incremental(let largest, let increments):
      let startup = total / 4
      let width = max(1, (total - startup) / increments)
      guard step >= max(startup, width) || (step >= startup && startup >= width) else { return 1 }
      let stage = max(1, step - startup) / width + 1
      return max(1, (largest - 1 + 1) / increments * stage)
    case .reverseIncremental(let largest, let increments):
      let stage = step / max(1, total / increments)
      return max(1, largest / increments * (increments - stage - 1))
    }
  }

  public func isDue(_ step: Int, of total: Int) -> Bool {
    guard let interval = interval(step, of: total) else { return false }
    return step % interval == 0
  }
}

/// Chooses the samples that the next steps learn from: those where the network is most wrong, a share that grows (implicit neural
/// teaching: Zhang, Luo, Li, Wu & Wong 2024, arXiv 2405.10531). Under gradient descent a network moves, at a place x, by
/// `-η Σᵢ K(xᵢ, x) ∂L/∂f(xᵢ)` with its tangent kernel K; the largest `‖∂L/∂f‖` move most.
public struct SampleTeacher: Sendable, Hashable {
  public enum Selection: String, Sendable, Hashable, CaseIterable {
    /// The largest differences; of equal ones the first.
    case top
    /// Any, without repetition: a control.
    case random
  }

  public var ratio: RatioSchedule
  public var interval: IntervalStrategy
  public var selection: Selection

  public init(
    ratio: RatioSchedule = .step(0.2), interval: IntervalStrategy = .incremental(), selection: Selection = .top
  ) {
    require(ratio.start > 0 && ratio.start <= 1, "a share of samples is above 0 and at most 1, not \(ratio.start)")
    self.ratio = ratio
    self.interval = interval
    self.selection = selection
  }

  /// How many of `count` samples a step uses.
  public func size(_ step: Int, of total: Int, count: Int) -> Int {
    guard interval != .never else { return count }
    return min(count, max(1, Int((ratio(step, of: total) * Double(count) + 1e-9).rounded(.down))))
  }

  /// The places of the `n` largest differences, in ascending order.
  /// - Throws: `FieldError` if a difference is not a number.
  public static func largest(_ differences: [Float], _ n: Int) throws -> [Int32] {
    guard differences.allSatisfy({ !$0.isNaN }) else {
      throw FieldError("a difference between network and signal is not a number")
    }
    guard n > 0 else { return [] }
    guard n < differences.count else { return differences.indices.map { Int32($0) } }
    // Numbers that sort as the differences do, of equal ones the earlier place first: integers sort several times faster.
    func key(_ i: Int) -> UInt64 {
      let bits = (differences[i] + 0).bitPattern
      let ordered = bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
      return UInt64(ordered) << 32 | UInt64(UInt32.max - UInt32(i))
    }
    let keys = differences.indices.map(key)
    let least = keys.sorted()[keys.count - n]
    return keys.indices.filter { keys[$0] >= least }.map { Int32($0) }
  }

  /// `n` places of `count` without repetition, in ascending order.
  public static func random(_ n: Int, of count: Int, key: Key) -> [Int32] {
    Array(Tensor.randomPermutation(count, key: key).ints.prefix(n)).sorted().map { Int32($0) }
  }
}

/// What is wrong with fitting a field. Prints as one line.
public struct FieldError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
