import Soma

/// A folder of pictures: each subfolder is a class, named after it. Pictures are read when they are wanted.
public struct ImageFolder: Dataset {
  public let directory: String
  /// The subfolders' names, sorted.
  public let classNames: [String]
  /// The pictures, class by class, by name.
  public let paths: [String]
  /// The class of each picture.
  public let labels: [Int32]
  public let width: Int
  public let height: Int
  public let colour: Image.Colour

  /// - Parameters:
  ///   - size: the width and height to which all are resized; nil takes the first picture's.
  ///   - colour: nil takes the first picture's.
  /// - Throws: `DataError` if the folder has no subfolders, a subfolder has no pictures (`.png`, `.jpg`, `.jpeg`), or the
  ///   first picture cannot be read.
  public init(_ directory: String, size: (width: Int, height: Int)? = nil, colour: Image.Colour? = nil) throws {
    var paths = [String]()
    var labels = [Int32]()
    let classes = try directoryEntries(directory).filter { isDirectory("\(directory)/\($0)") }
    guard !classes.isEmpty else { throw DataError(directory, "has no subfolders; each class wants one") }
    for (label, name) in classes.enumerated() {
      let folder = "\(directory)/\(name)"
      let pictures = try directoryEntries(folder).filter { entry in
        [".png", ".jpg", ".jpeg"].contains { entry.lowercased().hasSuffix($0) }
      }
      guard !pictures.isEmpty else { throw DataError(folder, "has no PNG or JPEG pictures") }
      paths += pictures.map { "\(folder)/\($0)" }
      labels += [Int32](repeating: Int32(label), count: pictures.count)
    }
    if let size, size.width < 1 || size.height < 1 {
      throw DataError(directory, "pictures cannot be resized to \(size.width) × \(size.height)")
    }
    let first = size == nil || colour == nil ? try Image.read(paths[0]) : nil
    self.directory = directory
    classNames = classes
    self.paths = paths
    self.labels = labels
    width = size?.width ?? first!.width
    height = size?.height ?? first!.height
    self.colour = colour ?? first!.colour
  }

  public var count: Int { paths.count }
  public var sampleShape: Shape { [colour.rawValue, height, width] }

  /// Reads one picture, in the folder's size and colour.
  public func image(at index: Int) throws -> Image {
    try Image.read(paths[index]).converted(to: colour).resized(width: width, height: height)
  }

  public func batch(of indices: [Int]) throws -> Batch {
    var values = [Float]()
    values.reserveCapacity(indices.count * sampleShape.elementCount)
    for index in indices { values += try image(at: index).planes }
    return Batch(
      features: Tensor(values, shape: [indices.count] + sampleShape), targets: Tensor(indices.map { labels[$0] }),
      indices: indices)
  }

  /// Reads all pictures into memory.
  /// - Throws: `DataError` that names the first picture that cannot be read.
  public func load() throws -> LabeledData {
    var values = [Float]()
    values.reserveCapacity(count * sampleShape.elementCount)
    for index in 0..<count { values += try image(at: index).planes }
    return LabeledData(
      name: directory, description: "\(count) pictures of \(classNames.count) classes, \(width) × \(height) \(colour)",
      values: values, sampleShape: sampleShape, target: .classes(labels: labels, names: classNames))
  }
}
