/// The known names closest to what was typed, closest first: by edit distance, where a name that contains the typed one
/// counts as close.
package func nearestNames(to typed: String, among names: [String], count: Int = 3) -> [String] {
  let typed = typed.lowercased()
  let ranked = names.map { name -> (name: String, distance: Int) in
    let contains = typed.count >= 3 && name.lowercased().contains(typed)
    return (name, contains ? 1 : editDistance(typed, name.lowercased()))
  }
  let limit = max(2, typed.count / 2)
  return ranked.filter { $0.distance <= limit }.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
    .prefix(count).map(\.name)
}

/// The least number of characters to insert, delete, replace, or exchange with a neighbour.
private func editDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a), Array(b))
  var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
  for i in 0...a.count { rows[i][0] = i }
  for j in 0...b.count { rows[0][j] = j }
  guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
  for i in 1...a.count {
    for j in 1...b.count {
      var best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
      rows[i][j] = best
    }
  }
  return rows[a.count][b.count]
}
