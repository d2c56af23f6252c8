import ArgumentParser

/// The commands that were typed, as far as there are such: `multihomed kernel apply`.
struct CommandPath {
  private var commands: [any ParsableCommand.Type] = [Multihomed.self]
  private var next: String?

  /// What this process was started with.
  static var typed: CommandPath { CommandPath(Array(CommandLine.arguments.dropFirst())) }

  /// Goes along some arguments.
  init(_ arguments: [String]) {
    for argument in arguments {
      guard let command = choices.first(where: { $0._commandName == argument }) else {
        next = argument
        return
      }
      commands.append(command)
    }
  }

  /// What shows the last command's help.
  var help: String { "\(name) --help" }

  /// Whether what comes next should be a command, and is none. `multihomed help` is the parser's own.
  var isUnknown: Bool {
    guard let next, !choices.isEmpty, !next.hasPrefix("-") else { return false }
    return commands.count > 1 || next != "help"
  }

  /// That a command is missing or unknown, and which there are.
  var choice: String {
    let names = choices.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
    let list = "\(names.dropLast().joined(separator: ", ")) and \(names.last ?? "")"
    let what = next.map { "'\($0)' is not a command of \(name)" } ?? "\(name) needs a command"
    return "\(what); give one of \(list); see \(help)"
  }

  private var name: String { commands.map { $0._commandName }.joined(separator: " ") }

  private var choices: [any ParsableCommand.Type] { commands.last?.configuration.subcommands ?? [] }
}
