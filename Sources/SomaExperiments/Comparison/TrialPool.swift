import Foundation
import Soma
import Synchronization

/// Runs trials, several side by side, and writes each to the store when it ends.
struct TrialPool: Sendable {
  let data: PreparedData
  let settings: ComparisonSettings
  let experimentID: Int64
  let store: RunStore
  let jobs: Int
  let totalEpochs: Double
  let shouldStop: @Sendable () -> Bool
  let onProgress: @Sendable (FairComparison.Progress) -> Void
  let onEpoch: @Sendable (TrialEpoch) throws -> Void

  private struct State {
    var next = 0
    var trials: [Trial] = []
    var isStopped = false
    var failure: (any Error)?
    /// Epochs done by each trial that is at work.
    var running: [Int: Double] = [:]
    var doneEpochs = 0.0
  }

  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  /// Runs those trials that are not in `done`, and puts them there.
  /// - Returns: false if stopped before all were done.
  func run(_ runs: [TrialRun], _ done: inout [TrialRun.Identity: Trial]) throws -> Bool {
    let open = runs.filter { done[$0.identity] == nil }
    guard !open.isEmpty else { return true }
    let workers = max(1, min(jobs, open.count))
    Parallel.threads = max(1, Machine.cores / workers)
    let shared = Shared()
    let epochsBefore = done.values.reduce(0) { $0 + Double($1.epochs) }
    shared.state.withLock { $0.doneEpochs = epochsBefore }
    if workers == 1 {
      work(open, shared)
    } else {
      // Threads of their own, not the pool's: they last for minutes, and tracing wants a deep stack.
      let group = DispatchGroup()
      for _ in 0..<workers {
        group.enter()
        let thread = Thread {
          work(open, shared)
          group.leave()
        }
        thread.stackSize = 16 << 20
        thread.start()
      }
      group.wait()
    }
    let state = shared.state.withLock { $0 }
    for trial in state.trials { done[trial.identity] = trial }
    if let failure = state.failure { throw failure }
    return !state.isStopped
  }

  private func work(_ runs: [TrialRun], _ shared: Shared) {
    while true {
      let index = shared.state.withLock { state -> Int? in
        guard !state.isStopped, state.failure == nil, state.next < runs.count else { return nil }
        state.next += 1
        return state.next - 1
      }
      guard let index else { return }
      do {
        let run = runs[index]
        var noted: ContinuousClock.Instant?
        let trial = try run.run(data, settings, experimentID: experimentID) { epochs in
          report(epochs, of: index, run, shared)
          return !shouldStop() && shared.state.withLock { $0.failure == nil }
        } onEpoch: { curve in
          try onEpoch(TrialEpoch(run, epoch: curve.count - 1, curve[curve.count - 1]))
          // Those who watch want a few points a second; the disk need not see more.
          let now = ContinuousClock.now
          if let noted, now - noted < .milliseconds(250) { return }
          noted = now
          try store.note(run.live(curve, experimentID: experimentID))
        }
        guard let trial else {
          shared.state.withLock { $0.isStopped = true }
          return
        }
        try store.add(trial)
        shared.state.withLock { state in
          state.trials.append(trial)
          state.running[index] = nil
          state.doneEpochs += Double(run.epochs)
        }
      } catch {
        shared.state.withLock { $0.failure = $0.failure ?? error }
        return
      }
    }
  }

  private func report(_ epochs: Double, of index: Int, _ run: TrialRun, _ shared: Shared) {
    let done = shared.state.withLock { state in
      state.running[index] = epochs
      return state.doneEpochs + state.running.values.reduce(0, +)
    }
    let what =
      run.purpose == .tuning
      ? "\(run.candidate.name): learning rate \(run.learningRate)" : "\(run.candidate.name): seed \(run.seed)"
    onProgress(FairComparison.Progress(fraction: min(1, done / totalEpochs), text: what))
  }
}
