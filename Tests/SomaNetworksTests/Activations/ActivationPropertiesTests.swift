import Foundation
import Soma
import Testing

@testable import SomaNetworks

@Suite struct ActivationPropertiesTests {
  private func properties(_ name: String) throws -> ActivationProperties {
    try #require(ActivationProperties(try Activation.named(name)))
  }

  /// From 40001-point quadrature in another implementation.
  @Test(arguments: [
    ("relu", 0.398942, 0.5, 0.5), ("tanh", 0, 0.394294, 0.464403), ("sigmoid", 0.5, 0.293379, 0.044836),
    ("silu", 0.206621, 0.355776, 0.379482), ("gelu", 0.282095, 0.425221, 0.455851),
    ("mish", 0.240404, 0.452342, 0.479084),
    ("elu", 0.160521, 0.644945, 0.668102), ("softplus", 0.806059, 0.921246, 0.293379),
    ("softsign", 0, 0.183014, 0.227671),
  ])
  func gaussianMoments(_ name: String, _ m1: Double, _ m2: Double, _ d2: Double) throws {
    let p = try properties(name)
    #expect(abs(p.moments.mean - m1) < 2e-6)
    #expect(abs(p.moments.secondMoment - m2) < 2e-6)
    #expect(abs(p.moments.slopeMoment - d2) < 2e-6)
    #expect(abs(p.moments.initialGain - 1 / m2.squareRoot()) < 1e-4)
  }

  @Test(arguments: [
    ("silu", -1.2784645, -0.2784645), ("gelu", -0.7517915, -0.1699712), ("mish", -1.1924312, -0.3088434),
    ("hard-swish", -1.5, -0.375),
  ])
  func minima(_ name: String, _ x: Double, _ y: Double) throws {
    let p = try properties(name)
    #expect(p.minima.count == 1)
    #expect(abs(p.minima[0].x - x) < 2e-6)
    #expect(abs(p.minima[0].y - y) < 1e-5)
    #expect(abs(p.range.lowerBound - y) < 1e-5)
    #expect(p.range.upperBound > 1e7)
  }

  @Test func shapesOfKnownFunctions() throws {
    let relu = try properties("relu")
    #expect(relu.monotonicity == .nonDecreasing && relu.curvature == .convex && relu.symmetry == .none)
    #expect(relu.kinks == [0] && relu.jumps.isEmpty && relu.smoothness == .continuous)
    #expect(relu.lipschitzConstant == 1 && relu.limits.low == 0 && relu.limits.high == .infinity)
    #expect(relu.slopes.low == 0 && relu.slopes.high == 1)
    #expect(relu.zeros == [-.infinity...0])

    let tanh = try properties("tanh")
    #expect(tanh.symmetry == .odd && tanh.monotonicity == .nonDecreasing && tanh.curvature == .neither)
    #expect(tanh.limits.low == -1 && tanh.limits.high == 1 && tanh.range == -1...1)
    #expect(tanh.smoothness == .smooth && tanh.zeros == [0...0] && tanh.lipschitzConstant == 1)

    let step = try properties("binary-step")
    #expect(step.jumps == [0] && step.smoothness == .discontinuous && step.lipschitzConstant == .infinity)
    #expect(step.range == 0...1)

    let elu = try properties("elu")
    #expect(elu.smoothness == .onceDifferentiable && elu.kinks.isEmpty && elu.limits.low == -1)
    let softsign = try properties("softsign")
    #expect(softsign.smoothness == .onceDifferentiable && softsign.limits.high == 1)

    let gelu = try properties("gelu")
    #expect(gelu.smoothness == .smooth && gelu.curvature == .neither && gelu.monotonicity == .none)
    // The largest slope lies at √2.
    #expect(abs(gelu.lipschitzConstant - 1.128904145) < 1e-8)
    #expect(gelu.slopes.high == 1 && gelu.limits.low == 0)

    let softplus = try properties("softplus")
    #expect(softplus.curvature == .convex && softplus.zeros.isEmpty && softplus.smoothness == .smooth)
    let shrink = try properties("hardshrink")
    #expect(shrink.jumps == [-0.5, 0.5] && shrink.zeros == [-0.5...0.5])
    let identity = try properties("identity")
    #expect(identity.curvature == .affine && identity.symmetry == .odd && identity.slopes.low == 1)
    let selu = try properties("selu")
    #expect(selu.kinks == [0] && abs(selu.limits.low! + 1.758099) < 1e-6)
  }

  @Test func functionsWithoutLimitsAndWithGrowingSlopes() throws {
    let sine = try #require(ActivationProperties(.parse("sin(x)")))
    #expect(sine.limits.low == nil && sine.limits.high == nil && sine.range.lowerBound > -1.0000001)
    #expect(sine.zeros.count == 5 && sine.minima.count == 3)
    let square = try #require(ActivationProperties(.parse("x^2")))
    #expect(square.symmetry == .even && square.lipschitzConstant == .infinity && square.slopes.high == .infinity)
    #expect(square.minima.count == 1 && square.curvature == .convex)
  }

  @Test func gatedAndVectorActivationsHaveNone() {
    #expect(ActivationProperties(.glu) == nil)
    #expect(ActivationProperties(.softmax) == nil)
  }
}
