import Soma

/// Symbols, LSTM layers, scores of the next symbol. (Mikolov et al. 2010; Zaremba, Sutskever, Vinyals 2014, arXiv
/// 1409.2329)
/// - Shape: integers `[n, t]` → `[n, t, vocabulary]`
public struct LSTMLanguageModel: Layer {
  public var vocabulary: Int
  public var embedding: Int
  public var units: Int
  public var layers: Int
  public var dropout: Double

  public init(vocabulary: Int, embedding: Int = 64, units: Int = 128, layers: Int = 1, dropout: Double = 0) {
    self.vocabulary = vocabulary
    self.embedding = embedding
    self.units = units
    self.layers = layers
    self.dropout = dropout
  }

  private var recurrent: Recurrent { Recurrent(.lstm, units, layers: layers, dropout: dropout) }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let h = Embedding(vocabulary, width: embedding)(x, scope["embedding"])
    return Dense(vocabulary)(recurrent(h, scope["lstm"]), scope["head"])
  }

  public func initialState(batch: Int) -> [Tensor] { recurrent.initialState(batch: batch) }

  /// Continues a text from a state.
  public func callAsFunction(_ x: Tensor, state: [Tensor], _ scope: Scope) -> (scores: Tensor, state: [Tensor]) {
    scope {
      let h = Embedding(vocabulary, width: embedding)(x, scope["embedding"])
      let (y, next) = recurrent(h, state: state, scope["lstm"])
      return (Dense(vocabulary)(y, scope["head"]), next)
    }
  }
}
