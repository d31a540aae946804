import Foundation
import Soma

extension Problem {
  /// The equations that solvers are usually tried on.
  public static let standard: [Problem] = [poissonLine, poissonSquare, heat, burgers, helmholtz]

  /// - Throws: `FieldError` that lists the names.
  public static func named(_ name: String) throws -> Problem {
    guard let problem = standard.first(where: { $0.name == name }) else {
      throw FieldError("\(name): no equation has this name; there are \(standard.map(\.name).joined(separator: ", "))")
    }
    return problem
  }

  /// `-u'' = π² sin πx + 4.8 π² sin 4πx` on `[-1, 1]`, zero at the ends: `u = sin πx + 0.3 sin 4πx`.
  public static let poissonLine: Problem = {
    let box = [-1.0...1.0]
    let pi = Double.pi
    return Problem(
      "poisson-1d", statement: "-u'' = f, u(±1) = 0; u = sin πx + 0.3 sin 4πx", box: box,
      residual: { u, x in
        let place = x[.all, 0]
        let force = (place * pi).sin() * (pi * pi) + (place * (4 * pi)).sin() * (4.8 * pi * pi)
        return -PhysicsLoss.derivative(u, x, axis: 0, order: 2) - force
      },
      conditions: [.value("ends", points: boundary(of: box)) { x in x[.all, 0] * 0 }],
      exact: { x in (x[.all, 0] * pi).sin() + (x[.all, 0] * (4 * pi)).sin() * 0.3 })
  }()

  /// `-Δu = 2π² sin πx sin πy` on the unit square, zero on the boundary: `u = sin πx sin πy`.
  public static let poissonSquare: Problem = {
    let box = [0.0...1.0, 0.0...1.0]
    let pi = Double.pi
    return Problem(
      "poisson-2d", statement: "-Δu = 2π² sin πx sin πy, u = 0 on the boundary", box: box,
      residual: { u, x in
        let force = (x[.all, 0] * pi).sin() * (x[.all, 1] * pi).sin() * (2 * pi * pi)
        return -PhysicsLoss.laplacian(u, x) - force
      },
      conditions: [.value("boundary", points: boundary(of: box)) { x in x[.all, 0] * 0 }],
      exact: { x in (x[.all, 0] * pi).sin() * (x[.all, 1] * pi).sin() })
  }()

  /// `u_t = 0.1 u_xx`, `u(x, 0) = sin πx`, `u(0, t) = u(1, t) = 0`; coordinates (x, t): `u = exp(-0.1 π² t) sin πx`.
  public static let heat: Problem = {
    let box = [0.0...1.0, 0.0...1.0]
    let pi = Double.pi
    return Problem(
      "heat", statement: "u_t = 0.1 u_xx, u(x, 0) = sin πx, u(0, t) = u(1, t) = 0", box: box,
      residual: { u, x in
        PhysicsLoss.derivative(u, x, axis: 1) - PhysicsLoss.derivative(u, x, axis: 0, order: 2) * 0.1
      },
      conditions: [
        .value("start", points: face(axis: 1, value: 0, of: box)) { x in (x[.all, 0] * pi).sin() },
        .value("ends", points: boundary(of: box, axes: [0])) { x in x[.all, 0] * 0 },
      ],
      exact: { x in (x[.all, 1] * (-0.1 * pi * pi)).exp() * (x[.all, 0] * pi).sin() })
  }()

  /// `u_t + u u_x = (0.01/π) u_xx`, `u(x, 0) = -sin πx`, `u(±1, t) = 0`; coordinates (x, t) in `[-1, 1] × [0, 1]`. The solution comes
  /// from the transformation of Cole (1951) and Hopf (1950), its integrals by the trapezoid rule.
  public static let burgers: Problem = {
    let box = [-1.0...1.0, 0.0...1.0]
    let viscosity = 0.01 / Double.pi
    return Problem(
      "burgers", statement: "u_t + u u_x = (0.01/π) u_xx, u(x, 0) = -sin πx, u(±1, t) = 0", box: box,
      residual: { u, x in
        let convection = u(x) * PhysicsLoss.derivative(u, x, axis: 0)
        return PhysicsLoss.derivative(u, x, axis: 1) + convection
          - PhysicsLoss.derivative(u, x, axis: 0, order: 2) * viscosity
      },
      conditions: [
        .value("start", points: face(axis: 1, value: 0, of: box)) { x in -(x[.all, 0] * Double.pi).sin() },
        .value("ends", points: boundary(of: box, axes: [0])) { x in x[.all, 0] * 0 },
      ],
      exact: { x in
        let values = x.doubles
        return Tensor((0..<x.shape[0]).map { burgersValue(values[2 * $0], values[2 * $0 + 1], viscosity) })
      })
  }()

  /// `Δu + u = q` on `[-1, 1]²`, zero on the boundary: `u = sin πx sin 4πy`.
  public static let helmholtz: Problem = {
    let box = [-1.0...1.0, -1.0...1.0]
    let pi = Double.pi
    let factor = 1 - 17 * pi * pi
    return Problem(
      "helmholtz", statement: "Δu + u = (1 - 17π²) sin πx sin 4πy, u = 0 on the boundary", box: box,
      residual: { u, x in
        let force = (x[.all, 0] * pi).sin() * (x[.all, 1] * (4 * pi)).sin() * factor
        return PhysicsLoss.laplacian(u, x) + u(x) - force
      },
      conditions: [.value("boundary", points: boundary(of: box)) { x in x[.all, 0] * 0 }],
      exact: { x in (x[.all, 0] * pi).sin() * (x[.all, 1] * (4 * pi)).sin() })
  }()

  /// `∫ g(η) dη` over the weight `exp(-η²/(4νt))`: the solution is
  /// `-∫ sin π(x - η) F(x - η) w dη / ∫ F(x - η) w dη` with `F(y) = exp(-cos(πy)/(2πν))`.
  private static func burgersValue(_ x: Double, _ t: Double, _ viscosity: Double) -> Double {
    guard t > 0 else { return -sin(.pi * x) }
    let scale = (4 * viscosity * t).squareRoot()
    var (above, below) = (0.0, 0.0)
    // The trapezoid rule converges faster than any power for such integrands; the largest exponent is taken out. The weight peaks where
    // η = u t, at most t away since |u| ≤ 1.
    let count = 4001
    let reach = t / scale + 7
    let exponents = (0..<count).map { i -> (eta: Double, e: Double) in
      let z = -reach + 2 * reach * Double(i) / Double(count - 1)
      let eta = scale * z
      return (eta, -cos(.pi * (x - eta)) / (2 * .pi * viscosity) - z * z)
    }
    let top = exponents.map(\.e).max()!
    for (eta, e) in exponents {
      let weight = exp(e - top)
      above += sin(.pi * (x - eta)) * weight
      below += weight
    }
    return -above / below
  }
}
