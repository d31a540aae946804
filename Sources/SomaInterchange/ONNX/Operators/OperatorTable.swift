extension ONNXCall {
  /// Computes the operator; nil if it is not known here.
  func run() throws -> [ONNXValue]? {
    if let results = try elementwise() { return results }
    if let results = try binary() { return results }
    if let results = try activation() { return results }
    if let results = try reduction() { return results }
    if let results = try structure() { return results }
    if let results = try creation() { return results }
    if let results = try indexing() { return results }
    if let results = try product() { return results }
    if let results = try convolution() { return results }
    if let results = try pooling() { return results }
    if let results = try normalization() { return results }
    if let results = try resampling() { return results }
    if let results = try sampling() { return results }
    if let results = try quantization() { return results }
    if let results = try recurrence() { return results }
    if let results = try attention() { return results }
    if let results = try signal() { return results }
    if let results = try loss() { return results }
    if let results = try selection() { return results }
    if let results = try randomness() { return results }
    return try control()
  }
}
