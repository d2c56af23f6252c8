/// Who answers what.
struct Router {
  let routes: [String: Handler]
  /// Who changes what.
  var changes: [String: Handler] = [:]

  /// What is answered to a client.
  ///
  /// - Parameters:
  ///   - hasBody: whether it has announced one, which nobody here wants.
  ///   - query: called only when somebody answers the path.
  func answer(_ method: String, _ path: String, hasBody: Bool, query: () -> [String: String]) -> Response {
    let isChange = method == "PUT" && changes[path] != nil
    guard isChange || method == "GET" || method == "HEAD" else {
      return Response(.methodNotAllowed, text: "only GET and HEAD are answered here", headers: ["Allow": "GET, HEAD"])
    }
    if hasBody { return Response(.contentTooLarge, text: "a request with a body is not answered here") }
    if !isChange, changes[path] != nil {
      return Response(.methodNotAllowed, text: "this takes PUT", headers: ["Allow": "PUT"])
    }
    guard let handler = isChange ? changes[path] : routes[path] else {
      return Response(
        .notFound, text: "there is nothing here; there is \(routes.keys.sorted().joined(separator: ", "))")
    }
    return handler(Request(path: path, query: query()))
  }
}
