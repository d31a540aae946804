import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks
import SomaReports

/// The training loss about a trained classifier, in a plane of two random directions (`LossLandscape`), on its first samples.
func lossPicture(
  _ name: String, _ network: any Layer, _ variables: Variables, _ data: LabeledData, samples: Int, points: Int,
  radius: Double = 1
) -> HeatMap {
  let some = data.subset(Array(0..<min(samples, data.count)))
  let (features, labels) = (some.features, some.targets)
  let landscape = LossLandscape(around: variables.parameters, radius: radius, points: points, key: Key(47)) { own in
    CrossEntropy()(network.apply(Variables(parameters: own, state: variables.state), features), labels)
  }
  let names = landscape.places.map { formattedNumber($0, digits: 2) }
  return HeatMap(
    "\(name): log₁₀ of the loss", xTitle: "second direction", yTitle: "first direction", rows: names, columns: names,
    values: landscape.losses.map { $0.map { log10(max($0, 1e-9)) } })
}
