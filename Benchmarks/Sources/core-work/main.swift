import Workloads

// Does one workload so often, for callgrind to count: `core-work NAME OPERATIONS`. Without arguments it lists the names.

/// The part that is counted (--toggle-collect): neither start nor preparation is in the figure.
@inline(never)
func counted(_ work: any Work, _ operations: Int) {
  work.run(operations)
}

let arguments = CommandLine.arguments.dropFirst()
if let name = arguments.first, let operations = arguments.dropFirst().first.flatMap({ Int($0) }) {
  guard let workload = Workload.all.first(where: { $0.name == name }) else {
    fatalError("no workload is called '\(name)'; without arguments, core-work lists them")
  }
  let work = try workload.begin()
  // Once before, so that what happens only the first time is not in the figure either.
  work.prepare(operations)
  work.run(operations)
  work.prepare(operations)
  counted(work, operations)
} else {
  for workload in Workload.all { print(workload.name) }
}
