/// How the text of a cell becomes a value. Nothing here depends on the machine's language settings.
enum CellParsing {
  /// A decimal number such as `-1.5e3`. Hexadecimal forms, `inf` and numbers beyond Float64 are none.
  static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }),
      text.utf8.contains(where: { (0x30...0x39).contains($0) }), let value = Double(text), value.isFinite
    else { return nil }
    return value
  }

  /// An integer that Float64 holds exactly.
  static func integer(_ text: String) -> Double? {
    guard let value = Int(text), abs(value) <= 1 << 53 else { return nil }
    return Double(value)
  }

  static func boolean(_ text: String) -> Double? {
    switch text.lowercased() {
    case "true", "t", "yes", "y": 1
    case "false", "f", "no", "n": 0
    default: nil
    }
  }

  /// The order of day, month and year in a date.
  enum DateOrder: CaseIterable {
    /// `2024-02-29` (ISO 8601) and `2024/02/29`, with an optional time such as `T12:30:05.5Z` or ` 12:30+01:00`.
    case yearMonthDay
    /// `2/29/2024`. Columns that both slashed orders fit are read so.
    case monthDayYear
    /// `29.02.2024` and `29/2/2024`.
    case dayMonthYear
  }

  /// Days since 1970-01-01 UTC.
  static func date(_ text: String, _ order: DateOrder) -> Double? {
    let cut = text.firstIndex { $0 == "T" || $0 == " " } ?? text.endIndex
    guard let day = day(text[..<cut], order) else { return nil }
    guard cut < text.endIndex else { return Double(day) }
    guard let seconds = seconds(text[text.index(after: cut)...]) else { return nil }
    return Double(day) + seconds / 86400
  }

  private static func day(_ text: Substring, _ order: DateOrder) -> Int? {
    guard let separator = text.first(where: { !("0"..."9").contains($0) }) else { return nil }
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    let numbers = parts.compactMap { digits($0) }
    guard numbers.count == 3 else { return nil }
    let (year, month, day): (Int, Int, Int)
    switch order {
    case .yearMonthDay:
      guard separator == "-" || separator == "/", parts[0].count == 4 else { return nil }
      (year, month, day) = (numbers[0], numbers[1], numbers[2])
    case .monthDayYear:
      guard separator == "/", parts[2].count == 4 else { return nil }
      (month, day, year) = (numbers[0], numbers[1], numbers[2])
    case .dayMonthYear:
      guard separator == "." || separator == "/", parts[2].count == 4 else { return nil }
      (day, month, year) = (numbers[0], numbers[1], numbers[2])
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...12).contains(month), day >= 1, day <= lengths[month - 1] else { return nil }
    return daysSince1970(year: year, month: month, day: day)
  }

  /// Counts in years that start in March, so that the leap day is the last.
  private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let y = month > 2 ? year : year - 1
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468
  }

  /// Seconds since midnight UTC of `12:30`, `12:30:05.25`, with an optional `Z` or `±01:00`.
  private static func seconds(_ text: Substring) -> Double? {
    var clock = text
    var shift = 0
    if clock.last == "Z" {
      clock.removeLast()
    } else if let sign = clock.lastIndex(where: { $0 == "+" || $0 == "-" }) {
      let zone = clock[clock.index(after: sign)...].filter { $0 != ":" }
      guard zone.count == 4 || zone.count == 2, let number = digits(Substring(zone)) else { return nil }
      let minutes = zone.count == 2 ? number * 60 : number / 100 * 60 + number % 100
      guard minutes < 24 * 60, zone.count == 2 || number % 100 < 60 else { return nil }
      shift = (clock[sign] == "+" ? 1 : -1) * minutes * 60
      clock = clock[..<sign]
    }
    let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), let hour = digits(parts[0]), let minute = digits(parts[1]), hour < 24,
      minute < 60
    else { return nil }
    var second = 0.0
    if parts.count == 3 {
      guard let first = parts[2].first, ("0"..."9").contains(first), let value = number(String(parts[2])), value >= 0,
        value < 60
      else { return nil }
      second = value
    }
    return Double(hour * 3600 + minute * 60 - shift) + second
  }

  /// One to four decimal digits.
  private static func digits(_ text: Substring) -> Int? {
    guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }
}
