import CZlib

/// Compression by zlib (RFC 1950–1952), with the output bounded by what the caller expects.
enum Deflate {
  enum Wrapper {
    case gzip, zlib, raw

    var windowBits: Int32 {
      switch self {
      case .gzip: 31
      case .zlib: 15
      case .raw: -15
      }
    }
  }

  struct Output {
    var bytes: [UInt8]
    /// Bytes of input that the stream took.
    var consumed: Int
    /// Whether the stream's end was reached, rather than the limit.
    var ended: Bool
  }

  struct Failure: Error {
    var offset: Int
    var problem: String
  }

  /// No deflate stream expands by more: a claim above it is false whatever the stream holds.
  static let largestRatio = 1032

  /// Expands one stream, up to `limit` bytes of output. Memory follows the real output, not a header's claim.
  static func inflate(
    _ input: ArraySlice<UInt8>, _ wrapper: Wrapper, limit: Int
  ) throws(Failure) -> Output {
    var output = [UInt8]()
    var chunk = [UInt8](repeating: 0, count: Swift.max(1, Swift.min(limit, 1 << 18)))
    var consumed = 0
    var failure: Failure?
    var ended = false
    var stream = z_stream()
    // zlib keeps the stream's address, so it must stay where it is from the first call to the last.
    withUnsafeMutablePointer(to: &stream) { stream in
      let version = ZLIB_VERSION
      guard inflateInit2_(stream, wrapper.windowBits, version, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        failure = Failure(offset: 0, problem: "zlib cannot start")
        return
      }
      defer { inflateEnd(stream) }
      while failure == nil, !ended, output.count < limit {
        let piece = input[(input.startIndex + consumed)...].prefix(1 << 30)
        let room = Swift.min(chunk.count, limit - output.count)
        let (status, taken, made) = step(stream, piece, &chunk, room: room)
        consumed += taken
        output.append(contentsOf: chunk[..<made])
        switch status {
        case Z_STREAM_END: ended = true
        case Z_OK, Z_BUF_ERROR:
          if taken == 0 && made == 0 {
            failure = Failure(offset: consumed, problem: "the compressed data end too early")
          }
        case Z_NEED_DICT: failure = Failure(offset: consumed, problem: "the compressed data want a preset dictionary")
        case Z_MEM_ERROR: failure = Failure(offset: consumed, problem: "zlib is out of memory")
        default:
          let reason = stream.pointee.msg.map { String(cString: $0) } ?? "error \(status)"
          failure = Failure(offset: consumed, problem: "the compressed data are damaged (\(reason))")
        }
      }
      // The output may be complete with the stream's trailer unread: an empty step lets zlib check it.
      if failure == nil, !ended {
        let rest = input[(input.startIndex + consumed)...].prefix(1 << 30)
        let (status, taken, made) = step(stream, rest, &chunk, room: chunk.count)
        if status == Z_STREAM_END && made == 0 {
          consumed += taken
          ended = true
        } else if status == Z_DATA_ERROR {
          let reason = stream.pointee.msg.map { String(cString: $0) } ?? "error \(status)"
          failure = Failure(offset: consumed, problem: "the compressed data are damaged (\(reason))")
        } else if made == 0 {
          failure = Failure(offset: consumed + taken, problem: "the compressed data end too early")
        }
      }
    }
    if let failure { throw failure }
    return Output(bytes: output, consumed: consumed, ended: ended)
  }

  private static func step(
    _ stream: UnsafeMutablePointer<z_stream>, _ input: ArraySlice<UInt8>, _ chunk: inout [UInt8], room: Int
  ) -> (status: Int32, taken: Int, made: Int) {
    input.withUnsafeBufferPointer { source in
      chunk.withUnsafeMutableBufferPointer { destination in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = UInt32(source.count)
        stream.pointee.next_out = destination.baseAddress
        stream.pointee.avail_out = UInt32(room)
        let status = CZlib.inflate(stream, Z_NO_FLUSH)
        return (status, source.count - Int(stream.pointee.avail_in), room - Int(stream.pointee.avail_out))
      }
    }
  }

  /// Compresses `input` at zlib's level 6.
  static func deflate(_ input: [UInt8], _ wrapper: Wrapper) throws(Failure) -> [UInt8] {
    var output = [UInt8]()
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    var failure: Failure?
    var stream = z_stream()
    withUnsafeMutablePointer(to: &stream) { stream in
      let size = Int32(MemoryLayout<z_stream>.size)
      guard
        deflateInit2_(stream, 6, Z_DEFLATED, wrapper.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
      else {
        failure = Failure(offset: 0, problem: "zlib cannot start")
        return
      }
      defer { deflateEnd(stream) }
      var consumed = 0
      var status = Z_OK
      while status == Z_OK {
        let piece = input[consumed...].prefix(1 << 30)
        let flush = consumed + piece.count == input.count ? Z_FINISH : Z_NO_FLUSH
        let made = piece.withUnsafeBufferPointer { source in
          chunk.withUnsafeMutableBufferPointer { destination in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            stream.pointee.avail_in = UInt32(source.count)
            stream.pointee.next_out = destination.baseAddress
            stream.pointee.avail_out = UInt32(destination.count)
            status = CZlib.deflate(stream, flush)
            consumed += source.count - Int(stream.pointee.avail_in)
            return destination.count - Int(stream.pointee.avail_out)
          }
        }
        output.append(contentsOf: chunk[..<made])
      }
      if status != Z_STREAM_END { failure = Failure(offset: consumed, problem: "zlib failed with \(status)") }
    }
    if let failure { throw failure }
    return output
  }

  /// The CRC-32 of ISO 3309 that gzip, zip and PNG use.
  static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBufferPointer { buffer in
      var crc = CZlib.crc32(0, nil, 0)
      var start = 0
      while start < buffer.count {
        let piece = Swift.min(buffer.count - start, 1 << 30)
        crc = CZlib.crc32(crc, buffer.baseAddress! + start, UInt32(piece))
        start += piece
      }
      return UInt32(truncatingIfNeeded: crc)
    }
  }
}
