import Foundation

/// Pictures of pixels side by side, in rows, each with a caption.
public struct PictureTiles: Plot {
  public struct Tile: Sendable, Hashable {
    public var caption: String
    /// The bytes of a PNG file.
    public var png: [UInt8]

    public init(_ caption: String, png: [UInt8]) { (self.caption, self.png) = (caption, png) }
  }

  public var title: String
  public var tiles: [Tile]
  public var columns: Int
  /// Height over width of every picture.
  public var aspect: Double
  public var width: Double

  public init(_ title: String, columns: Int, aspect: Double = 1, width: Double = 640, _ tiles: [Tile]) {
    self.title = title
    self.tiles = tiles
    self.columns = max(1, columns)
    self.aspect = aspect
    self.width = width
  }

  private var side: Double { (width - 8) / Double(columns) - 8 }
  private var hasCaptions: Bool { tiles.contains { !$0.caption.isEmpty } }
  private var rowHeight: Double { side * aspect + (hasCaptions ? 26 : 8) }
  public var height: Double { 36 + Double((tiles.count + columns - 1) / columns) * rowHeight }

  public func draw(in target: inout PlotDrawing, below top: Double) {
    for (i, tile) in tiles.enumerated() {
      let x = 8 + Double(i % columns) * (side + 8)
      let y = top + 4 + Double(i / columns) * rowHeight
      target.drawing.image(x, y, side, side * aspect, png: tile.png, title: tile.caption)
      guard !tile.caption.isEmpty else { continue }
      target.drawing.text(
        Drawing.fitted(tile.caption, side, size: 11), x + side / 2, y + side * aspect + 14, anchor: .middle, size: 11,
        isFaint: true)
    }
  }
}
