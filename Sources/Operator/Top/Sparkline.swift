/// A row of small bars.
package enum Sparkline {
  private static let bars = Array(" ▁▂▃▄▅▆▇█")
  private static let plainBars = Array(" .:-=+*#@")

  /// One bar for each value, the newest at the right end; filled up at the left. The highest is as high as can be; what is
  /// more than nothing is seen.
  ///
  /// - Parameter isPlain: in ASCII.
  package static func text(_ values: [Double], width: Int, isPlain: Bool) -> String {
    let shown = values.suffix(width)
    let top = shown.max() ?? 0
    let bars = isPlain ? plainBars : bars
    let text = shown.map { value in
      value <= 0 || top <= 0 ? bars[0] : bars[max(1, Int((value / top * Double(bars.count - 1)).rounded()))]
    }
    return String(repeating: " ", count: max(0, width - shown.count)) + String(text)
  }
}
