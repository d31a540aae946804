/// Colours that people with any common colour vision tell apart (Okabe, Ito 2002, "Color Universal Design"): the strong
/// ones on white paper, the bright ones on a dark screen.
enum Palette {
  static let light = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C7A00"]
  static let dark = ["#56B4E9", "#F0803C", "#1FBF93", "#E39CC4", "#E69F00", "#F0E442", "#F2F2F2", "#4A93D9"]
  static let count = light.count

  static let ink = "#1d2127"
  static let faint = "#5c6570"
  static let grid = "#dfe3e8"

  /// Dashes that tell series with the same colour apart, and all series apart in grey print.
  static let dashes = ["", "7 3", "2 3", "9 3 2 3", "5 2", "12 4", "3 2 1 2", "1 2"]

  /// The rules for dark screens. Light colours stand in the elements themselves, so that programs without style sheets draw
  /// them, and paper gets them.
  static let darkRules: String = {
    var rules = ".soma-plot .ink{fill:#e9ebee}.soma-plot .faint{fill:#a3adb8}"
    rules += ".soma-plot .grid{stroke:#363c44}.soma-plot .axis{stroke:#8d97a3}.soma-plot .halo{stroke:#16181c}"
    rules += ".soma-plot .missing{fill:#2b3037}"
    for (i, color) in dark.enumerated() {
      rules += ".soma-plot .f\(i){fill:\(color)}.soma-plot .s\(i){stroke:\(color)}"
    }
    return "@media screen and (prefers-color-scheme:dark){\(rules)}"
  }()

  /// A sequential scale from dark violet over green to yellow, of even lightness steps (after matplotlib's viridis, Smith, van
  /// der Walt 2015): nine stations, mixed linearly between.
  private static let stations: [(Double, Double, Double)] = [
    (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129), (92, 200, 99),
    (170, 220, 50), (253, 231, 37),
  ]

  /// The colour at a share of 0 to 1, and whether dark text reads well on it.
  static func sequential(_ t: Double) -> (color: String, isBright: Bool) {
    let place = min(max(t, 0), 1) * Double(stations.count - 1)
    let i = min(Int(place), stations.count - 2)
    let f = place - Double(i)
    let (a, b) = (stations[i], stations[i + 1])
    let rgb = [a.0 + f * (b.0 - a.0), a.1 + f * (b.1 - a.1), a.2 + f * (b.2 - a.2)]
    let hex = rgb.map { value in
      let text = String(Int(value.rounded()), radix: 16)
      return text.count == 1 ? "0" + text : text
    }
    return ("#" + hex.joined(), t > 0.6)
  }
}
