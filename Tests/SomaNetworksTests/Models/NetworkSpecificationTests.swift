import Soma
import Testing

@testable import SomaNetworks

@Suite struct NetworkSpecificationTests {
  @Test func specificationsAreRead() throws {
    let plain = try NetworkSpecification(parsing: "mlp")
    #expect(plain.name == "mlp" && plain.activation == nil && plain.width == 1)
    let full = try NetworkSpecification(parsing: "resnet8:leaky-relu(a=20)@0.5")
    #expect(full.activation?.parameters[0].value == .number(20) && full.width == 0.5)
    let wide = try NetworkSpecification(parsing: "vit:gelu@2")
    #expect(wide.description == "vit:gelu@2.0")
  }

  @Test(arguments: [
    ("mpl", "unknown network \"mpl\"; did you mean mlp"), ("resnet9", "resnet8"), ("mlp:mihs", "did you mean mish"),
    ("mlp@wide", "width \"wide\" is not a positive number"), ("mlp@-1", "not a positive"),
    ("mlp@inf", "not a positive"),
    ("resnet8:glu", "resnet8 cannot use glu, which halves its input"), ("lstm:gelu", "lstm has no activation"),
    ("", "unknown network"), ("mlp:", "unknown activation"),
  ])
  func whatIsUnknownIsRefusedWithASuggestion(_ text: String, _ part: String) {
    let error = #expect(throws: NetworkError.self) { try NetworkSpecification(parsing: text) }
    #expect("\(error!)".contains(part), "\(error!)")
  }

  /// Within the two percent that a fair comparison allows.
  @Test(arguments: [
    ("mlp:mish", 20_000), ("mlp", 2_000), ("mlp:swiglu", 20_000), ("mlp:prelu", 20_000), ("mlp-deep", 30_000),
    ("lenet", 20_000),
    ("resnet8:gelu", 20_000), ("resnet8", 100_000), ("vgg11", 100_000), ("mobilenet-small", 20_000), ("vit", 20_000),
    ("vit", 500_000),
    ("unet", 50_000), ("resnet18", 500_000),
  ])
  func widthsMeetABudget(_ text: String, _ budget: Int) throws {
    let input: Shape = [1, 1, 8, 8]
    let asked = try NetworkSpecification(parsing: text)
    let found = try asked.scaled(toParameters: budget, input: input, outputs: 10)
    let count = found.parameterCount(input: input, outputs: 10)
    #expect(abs(count - budget) * 50 <= budget, "\(found): \(count) for \(budget)")
    #expect(found.activation == asked.activation)
  }

  @Test func languageModelsMeetABudget() throws {
    for name in ["gpt", "lstm"] {
      let found = try NetworkSpecification(parsing: name).scaled(toParameters: 800_000, input: [1, 128], outputs: 96)
      let count = found.parameterCount(input: [1, 128], outputs: 96)
      #expect(abs(count - 800_000) <= 16_000, "\(name): \(count)")
    }
  }

  @Test func budgetsThatCannotBeMetAreRefused() {
    let error = #expect(throws: NetworkError.self) {
      try Network.named("mlp", input: [1, 784], outputs: 10, parameters: 100)
    }
    #expect("\(error!)".contains("cannot have about 100 parameters"))
  }
}
