/// Ports as the kernel lists them: `8080,34000-34010`.
package enum PortList {
  /// Reads a list; what is no port is passed over.
  package static func read(_ text: String) -> [ClosedRange<UInt16>] {
    text.split { $0 == "," || $0.isWhitespace }.compactMap { part in
      let ends = part.split(separator: "-").compactMap { UInt16($0) }
      guard let first = ends.first, let last = ends.last, ends.count <= 2, first <= last else { return nil }
      return first...last
    }
  }
}
