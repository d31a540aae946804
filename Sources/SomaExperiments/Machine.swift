import Foundation

/// The version of the library and its command.
public let somaVersion = "0.1.0"

/// The machine that a program runs on.
public enum Machine {
  public static let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)

  /// Processor, cores, operating system: `Xeon Platinum 8481C, 2 cores, Debian GNU/Linux 12`.
  public static let description = "\(processor), \(cores) core\(cores == 1 ? "" : "s"), \(system)"

  private static let processor: String = {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":", maxSplits: 1).last
    #if arch(x86_64)
      let architecture = "x86-64"
    #else
      let architecture = "arm64"
    #endif
    return name.map { $0.trimmingCharacters(in: .whitespaces) } ?? architecture
  }()

  private static let system: String = {
    let lines = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8))?.split(separator: "\n") ?? []
    let name = lines.first { $0.hasPrefix("PRETTY_NAME=") }?.dropFirst("PRETTY_NAME=".count)
    return name.map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "\"")) }
      ?? ProcessInfo.processInfo.operatingSystemVersionString
  }()
}
