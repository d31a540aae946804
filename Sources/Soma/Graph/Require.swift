/// Stops with a message if a condition does not hold: a programmer's mistake. Unlike `precondition`, it says what was
/// wrong in release builds too.
@inline(__always)
package func require(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID,
  line: UInt = #line
) {
  if !condition() { fatalError(message(), file: file, line: line) }
}
