/// All published systems that Soma sets out to implement, in the order of their numbers.
extension PublishedSystem {
  public static let all: [PublishedSystem] = [
    row(1, "ld3", .generation, "search, rule", "Learning to Discretize Denoising Diffusion ODEs"),
    row(
      2, "activation-catalogue", .activations,
      "survey (a catalogue), with readings (properties computed from each expression)",
      "Three Decades of Activations: A Comprehensive Survey of 400 Activation Functions for Neural Networks"),
    row(
      3, "widedeep-evaluators", .language, "part, benchmark", "Wider and Deeper LLM Networks are Fairer LLM Evaluators"),
    row(4, "nnd", .generation, "benchmark, reading", "Towards GAN Benchmarks Which Require Generalization"),
    row(5, "s-kan", .kan, "part, search", "Activation Space Selectable Kolmogorov-Arnold Networks"),
    row(
      6, "mittag-leffler", .activations, "part (activation family with trainable shape)",
      "Unification of popular artificial neural network activation functions"),
    row(7, "mlp-kan", .kan, "part", "MLP-KAN: Unifying Deep Representation and Function Learning"),
    row(
      8, "crowd-neuron-eval", .explanation, "reading, study",
      "Rethinking Crowd-Sourced Evaluation of Neuron Explanations"),
    row(
      9, "find-benchmark", .explanation, "benchmark",
      "A Function Interpretation Benchmark for Evaluating Interpretability Methods"),
    row(10, "second-order-lens", .explanation, "reading", "Interpreting the Second-Order Effects of Neurons in CLIP"),
    row(
      11, "function-space", .operators, "transform, survey",
      "Principled Approaches for Extending Neural Architectures to Function Spaces for Operator Learning"),
    row(
      12, "laftr", .weights, "reading (how far did the function move), rule (regulariser for continual learning)",
      "Efficient Parametric Approximations of Neural Network Function Space Distance"),
    row(13, "multiplet", .neurons, "part (neuron)", "An Informal Introduction to Multiplet Neural Networks"),
    row(
      14, "boolean-influence", .theory, "reading, study",
      "Learning to Reason with Neural Networks: Generalization, Unseen Data and Boolean Measures"),
    row(15, "spos", .search, "search", "Single Path One-Shot Neural Architecture Search with Uniform Sampling"),
    row(
      16, "helu", .activations, "part (activation with a designed backward rule)",
      "Hysteresis Activation Function for Efficient Inference"),
    row(17, "attention-rank", .attention, "study, part", "On the Benefits of Rank in Attention Layers"),
    row(
      18, "hammer", .language, "rule, benchmark",
      "Hammer: Robust Function-Calling for On-Device Language Models via Function Masking"),
    row(19, "sha-rnn", .attention, "part, study", "Single Headed Attention RNN: Stop Thinking With Your Head"),
    row(20, "gelu", .activations, "part", "Gaussian Error Linear Units (GELUs)"),
    row(21, "adafnn", .operators, "part", "Deep Learning for Functional Data Analysis with Adaptive Basis Layers"),
    row(22, "int", .fields, "rule", "Nonparametric Teaching of Implicit Neural Representations"),
    row(
      23, "constrained-monotonic", .verification,
      "part (layer and two network layouts), with a reading (monotonicity certificate)",
      "Constrained Monotonic Neural Networks"),
    row(
      24, "af-kan", .kan, "part",
      "AF-KAN: Activation Function-Based Kolmogorov-Arnold Networks for Efficient Representation Learning"),
    row(25, "arithmetic-extrapolation", .neurons, "benchmark, study", "Measuring Arithmetic Extrapolation Performance"),
    row(
      26, "git-rebasin", .weights, "transform (network in, equivalent network out), with a reading (barrier)",
      "Git Re-Basin: Merging Models modulo Permutation Symmetries"),
    row(27, "spder", .fields, "part", "SPDER: Semiperiodic Damping-Enabled Object Representation"),
    row(
      28, "few-bit-backward", .learning, "transform, part",
      "Few-Bit Backward: Quantized Gradients of Activation Functions for Memory Footprint Reduction"),
    row(
      29, "deep-wide-classifiers", .theory, "part, reading",
      "Wide and Deep Neural Networks Achieve Optimality for Classification"),
    row(30, "mgno", .operators, "part", "MgNO: Efficient Parameterization of Linear Operators via Multigrid"),
    row(
      31, "pau", .activations, "part (trainable rational activation)",
      "Padé Activation Units: End-to-end Learning of Flexible Activation Functions in Deep Networks"),
    row(
      32, "universal-neural-functionals", .weights,
      "part (equivariant layer for any collection of tensors), search (learned optimisers as an application)",
      "Universal Neural Functionals"),
    row(
      33, "w-pca", .search, "reading, search",
      "W-PCA Based Gradient-Free Proxy for Efficient Search of Lightweight Language Models"),
    row(
      34, "functional-prior", .learning, "rule (fits the prior of a Bayesian network), part (priors, sampler)",
      "All You Need is a Good Functional Prior for Bayesian Deep Learning"),
    row(35, "swish-search", .activations, "search + part (Swish)", "Searching for Activation Functions"),
    row(36, "mino", .operators, "part, benchmark", "Mesh-Informed Neural Operator : A Transformer Generative Approach"),
    row(
      37, "featherweight-vulnerability", .applications, "part (transparent classifier), study",
      "Featherweight Assisted Vulnerability Discovery"),
    row(
      38, "one-layer-attention", .attention, "study, transform",
      "Are Transformers with One Layer Self-Attention Using Low-Rank Weight Matrices Universal Approximators?"),
    row(39, "hdfe", .fields, "part, transform", "Decodable and Sample Invariant Continuous Object Encoder"),
    row(
      40, "tabular-benchmarks", .search, "benchmark, study",
      "Tabular Benchmarks for Joint Architecture and Hyperparameter Optimization"),
    row(
      41, "safs", .activations, "search + rule (fine-tuning of pruned networks)",
      "Learning Activation Functions for Sparse Neural Networks"),
    row(
      42, "unified-reverse-dictionary", .language, "part, rule",
      "A Unified Model for Reverse Dictionary and Definition Modelling"),
    row(
      43, "gpfq", .compression, "transform (post-training quantizer)",
      "Post-training Quantization for Neural Networks with Provable Guarantees"),
    row(44, "apa", .activations, "part", "Adaptive Parametric Activation"),
    row(45, "tmaf", .activations, "part", "Neural networks with trainable matrix activation functions"),
    row(
      46, "eeg-simpleconv", .applications, "part, study",
      "A Strong and Simple Deep Learning Baseline for BCI MI Decoding"),
    row(
      47, "karat", .kan, "part", "Kolmogorov-Arnold Attention: Is Learnable Attention Better For Vision Transformers?"),
    row(
      48, "neural-activation-patterns", .verification, "reading (specification mined from activations, and its proof)",
      "Towards Reliable Neural Specifications"),
    row(49, "mish", .activations, "part", "Mish: A Self Regularized Non-Monotonic Activation Function"),
    row(
      50, "biper", .compression, "part (binary convolution), rule (two-stage binary training)",
      "BiPer: Binary Neural Networks using a Periodic Function"),
    row(51, "evonorm", .activations, "part + search", "Evolving Normalization-Activation Layers"),
    row(52, "kan-or-mlp", .kan, "study, benchmark", "KAN or MLP: A Fairer Comparison"),
    row(
      53, "epsinas", .search, "reading, search",
      "Neural Architecture Search: Two Constant Shared Weights Initialisations"),
    row(
      54, "sau", .activations, "part + transform (smoothing of any activation)",
      "SAU: Smooth activation function using convolution with approximate identities"),
    row(
      55, "neuron-activation-coverage", .explanation, "reading",
      "Neuron Activation Coverage: Rethinking Out-of-distribution Detection and Generalization"),
    row(
      56, "mono", .operators, "part, study",
      "Mixture of Experts Soften the Curse of Dimensionality in Operator Learning"),
    row(
      57, "crrelu", .activations, "part + search (entropy-guided correction)",
      "A Method on Searching Better Activation Functions"),
    row(
      58, "mono-forward", .learning, "rule",
      "Mono-Forward: Backpropagation-Free Algorithm for Efficient Neural Network Training Harnessing Local Errors"),
    row(59, "neuralizer", .applications, "part, rule", "Neuralizer: General Neuroimage Analysis without Re-Training"),
    row(
      60, "mpbn", .spiking, "part (a spiking layer), transform (folding it into thresholds)",
      "Membrane Potential Batch Normalization for Spiking Neural Networks"),
    row(61, "simple-reflow", .generation, "rule, transform", "Simple ReFlow: Improved Techniques for Fast Flow Models"),
    row(
      62, "telescoping-lens", .theory, "reading, study",
      "Deep Learning Through A Telescoping Lens: A Simple Model Provides Empirical Insights On Grokking, Gradient Boosting & Beyond"
    ),
    row(
      63, "single-path-nas", .search, "search",
      "Single-Path NAS: Designing Hardware-Efficient ConvNets in less than 4 Hours"),
    row(
      64, "ifm", .compression, "transform (merges features), reading (feature complexity)",
      "Going Beyond Neural Network Feature Similarity: The Network Feature Complexity and Its Interpretation Using Category Theory"
    ),
    row(
      65, "relu2", .activations, "study + reading + transform (sparse feed-forward execution)",
      "ReLU^2 Wins: Discovering Efficient Activation Functions for Sparse LLMs"),
    row(
      66, "soundness-bench", .verification, "benchmark",
      "Testing Neural Network Verifiers: A Soundness Benchmark with Hidden Counterexamples"),
    row(
      67, "sparseland", .compression, "survey, study",
      "Ten Lessons We Have Learned in the New \"Sparseland\": A Short Handbook for Sparse Neural Network Researchers"),
    row(
      68, "learnable-module-networks", .applications,
      "part (stack machine with learnable modules), search (structure of the modules)",
      "Structure Learning for Neural Module Networks"),
    row(
      69, "loci", .applications, "part (two estimators), reading (which variable causes which)",
      "On the Identifiability and Estimation of Causal Location-Scale Noise Models"),
    row(
      70, "gfucb", .theory, "rule, study",
      "Provable General Function Class Representation Learning in Multitask Bandits and MDPs"),
    row(
      71, "quantization-survey", .compression, "survey, transform (the catalogue of quantizers)",
      "A Survey of Quantization Methods for Efficient Neural Network Inference"),
    row(
      72, "sharpness", .neurons, "rule (learning algorithm with guarantee) + study",
      "Robustly Learning a Single Neuron via Sharpness"),
    row(
      73, "activation-benchmark", .activations, "survey + benchmark",
      "Activation Functions in Deep Learning: A Comprehensive Survey and Benchmark"),
    row(
      74, "fast-slow-memory", .learning, "part, rule",
      "Fast & Slow Learning: Incorporating Synthetic Gradients in Neural Memory Controllers"),
    row(
      75, "function-preserving-expansions", .weights, "transform (network in, larger equivalent network out)",
      "Composable Function-preserving Expansions for Transformer Architectures"),
    row(
      76, "chain-graph", .theory, "reading (probabilistic model of a network), rule (partially collapsed training)",
      "A Chain Graph Interpretation of Real-World Neural Networks"),
    row(
      77, "genbab", .verification, "reading (proof or counterexample for a network property), transform (bounds)",
      "Neural Network Verification with Branch-and-Bound for General Nonlinearities"),
    row(
      78, "rnn-of-rnns", .theory, "part (stable recurrent assemblies), reading (stability certificate)",
      "RNNs of RNNs: Recursive Construction of Stable Assemblies of Recurrent Neural Networks"),
    row(
      79, "step", .spiking, "benchmark, study",
      "STEP: A Unified Spiking Transformer Evaluation Platform for Fair and Reproducible Benchmarking"),
    row(
      80, "braintransformers", .spiking,
      "transform (transformer → spiking transformer), part (spiking matmul, softmax, SiLU, RMS norm), rule (task-modulated plasticity)",
      "BrainTransformers: SNN-LLM"),
    row(81, "meanflow", .generation, "rule, part", "Mean Flows for One-step Generative Modeling"),
    row(82, "snnk", .learning, "part, transform", "Scalable Neural Network Kernels"),
    row(
      83, "affine-steering", .explanation, "transform, study",
      "Representation Surgery: Theory and Practice of Affine Steering"),
    row(84, "dynamic-evaluation", .learning, "rule, transform", "Dynamic Evaluation of Neural Sequence Models"),
    row(
      85, "hierarchical-polynomials", .theory, "rule, study",
      "Learning Hierarchical Polynomials with Three-Layer Neural Networks"),
    row(
      86, "gennape", .search, "reading, search",
      "GENNAPE: Towards Generalized Neural Architecture Performance Estimators"),
    row(87, "mobster", .search, "search", "Model-based Asynchronous Hyperparameter and Neural Architecture Search"),
    row(
      88, "comparative-neuron-analysis", .explanation, "reading, transform",
      "Interpreting Arithmetic Mechanism in Large Language Models through Comparative Neuron Analysis"),
    row(
      89, "network-decision-tree", .verification, "transform (network to exactly equal tree), reading (regions, rules)",
      "Neural Networks are Decision Trees"),
    row(90, "neural-redshift", .theory, "reading, study", "Neural Redshift: Random Networks are not Random Functions"),
    row(91, "nas-evaluation", .search, "study, benchmark", "NAS evaluation is frustratingly hard"),
    row(92, "de-nas", .search, "search", "Differential Evolution for Neural Architecture Search"),
    row(
      93, "doh", .fields, "part, transform",
      "D'OH: Decoder-Only random Hypernetworks for Implicit Neural Representations"),
    row(
      94, "relaxation-expressivity", .verification,
      "reading (is the analysis of this network exact?), study (theory made executable)",
      "Expressivity of ReLU-Networks under Convex Relaxations"),
    row(
      95, "fer", .fields, "study, reading",
      "Questioning Representational Optimism in Deep Learning: The Fractured Entangled Representation Hypothesis"),
    row(96, "xnet", .activations, "part (activation) + model", "Cauchy activation function and XNet"),
    row(97, "hypencoder", .language, "part, rule", "Hypencoder: Hypernetworks for Information Retrieval"),
    row(
      98, "iir-snn", .spiking, "rule (training schedule), transform (conversion and latency reduction)",
      "One Timestep is All You Need: Training Spiking Neural Networks with Ultra Low Latency"),
    row(
      99, "nas-search-phase", .search, "study, benchmark", "Evaluating the Search Phase of Neural Architecture Search"),
    row(100, "srwm", .learning, "part", "A Modern Self-Referential Weight Matrix That Learns to Modify Itself"),
    row(101, "super-attention", .attention, "part", "You Need to Pay Better Attention"),
    row(102, "compute-optimal-phases", .theory, "study, reading", "4+3 Phases of Compute-Optimal Neural Scaling Laws"),
    row(
      103, "snake", .activations, "part + study", "Neural Networks Fail to Learn Periodic Functions and How to Fix It"),
    row(
      104, "random-feature-attention", .attention, "study, part",
      "What can a Single Attention Layer Learn? A Study Through the Random Features Lens"),
    row(
      105, "nova-benchmark", .applications, "benchmark",
      "NOVA: A Benchmark for Anomaly Localization and Clinical Reasoning in Brain MRI"),
    row(
      106, "deep-weight-space", .weights, "part (layers and models whose input is another network's weights)",
      "Equivariant Architectures for Learning in Deep Weight Spaces"),
    row(107, "expanded-gates", .activations, "part", "Expanded Gating Ranges Improve Activation Functions"),
    row(
      108, "discourse-objectives", .language, "rule",
      "Discourse-Based Objectives for Fast Unsupervised Sentence Representation Learning"),
    row(
      109, "mcq-circuits", .explanation, "study, reading",
      "Does Circuit Analysis Interpretability Scale? Evidence from Multiple Choice Capabilities in Chinchilla"),
    row(
      110, "looped-transformer", .applications,
      "part (hand-set transformer executing programs), transform (program in, weights and input out)",
      "Looped Transformers as Programmable Computers"),
    row(
      111, "tempered-sigmoid", .activations, "part + rule (private training)",
      "Tempered Sigmoid Activations for Deep Learning with Differential Privacy"),
    row(
      112, "bmtas", .search, "search, transform", "Automated Search for Resource-Efficient Branched Multi-Task Networks"
    ),
    row(113, "ndp", .operators, "part", "Neural Diffusion Processes"),
    row(114, "universal-neurons", .explanation, "study, reading", "Universal Neurons in GPT2 Language Models"),
    row(115, "paon", .neurons, "part (neuron / layer)", "PAON: A New Neuron Model using Padé Approximants"),
    row(116, "kan", .kan, "part, reading", "KAN: Kolmogorov-Arnold Networks"),
    row(
      117, "neurosymbolic-foundation", .applications,
      "study (position paper made testable), part (neuro-symbolic learning and prompting)",
      "The Road to Generalizable Neuro-Symbolic Learning Should be Paved with Foundation Models"),
    row(118, "ofm", .operators, "part, rule", "Stochastic Process Learning via Operator Flow Matching"),
    row(
      119, "monosemantic-selection", .explanation, "reading, search",
      "Task-Specific Data Selection for Instruction Tuning via Monosemantic Neuronal Activations"),
    row(
      120, "hard-ash", .activations, "part + study (continual learning)",
      "Hard ASH: Sparsity and the right optimizer make a continual learner"),
    row(
      121, "joint-nas-hpo", .search, "search, study",
      "Towards Automated Deep Learning: Efficient Joint Neural Architecture and Hyperparameter Search"),
    row(122, "collaborative-ff", .learning, "rule, study", "Layer Collaboration in the Forward-Forward Algorithm"),
    row(
      123, "hoyer-spiking", .spiking,
      "part (one-step spiking activation with data-dependent threshold), rule (regularizer)",
      "Hoyer regularizer is all you need for ultra low-latency spiking neural networks"),
    row(
      124, "causal-path-analysis", .explanation, "reading",
      "Causal Analysis for Robust Interpretability of Neural Networks"),
    row(125, "prelu-xor", .activations, "study + part", "PReLU: Yet Another Single-Layer Solution to the XOR Problem"),
    row(
      126, "simq-nas", .search, "search, transform",
      "SimQ-NAS: Simultaneous Quantization Policy and Neural Architecture Search"),
    row(
      127, "neurocine", .applications, "part, rule",
      "NeuroCine: Decoding Vivid Video Sequences from Human Brain Activties"),
    row(128, "multi-stage", .kan, "rule", "Multi-stage Neural Networks: Function Approximator of Machine Precision"),
    row(
      129, "low-memory-bp", .learning, "transform, part",
      "Reducing Fine-Tuning Memory Overhead by Approximate and Memory-Sharing Backpropagation"),
    row(
      130, "adaptive-guidance", .generation, "transform, search",
      "Adaptive Guidance: Training-free Acceleration of Conditional Diffusion Models"),
    row(
      131, "bilinear-mlp", .explanation, "part, reading",
      "Bilinear MLPs enable weight-based mechanistic interpretability"),
    row(
      132, "effective-model-complexity", .theory, "reading, study", "Just How Flexible are Neural Networks in Practice?"
    ),
    row(
      133, "latent-weight-architecture", .search, "search, rule",
      "Simultaneous Weight and Architecture Optimization for Neural Networks"),
    row(
      134, "apuntes", .neurons, "survey (teaching notes) + rule (delta rule, back-propagation)",
      "Apuntes de Redes Neuronales Artificiales"),
    row(
      135, "robust-fidelity", .explanation, "reading, benchmark",
      "Towards Robust Fidelity for Evaluating Explainability of Graph Neural Networks"),
    row(136, "fdp", .operators, "part, rule", "Continuous-Time Functional Diffusion Processes"),
    row(
      137, "iemf", .applications, "rule (gradient modulation of the fusion layer)",
      "Incorporating brain-inspired mechanisms for multimodal learning in artificial intelligence"),
    row(
      138, "sigmoid-attention", .attention, "part, study",
      "Theory, Analysis, and Best Practices for Sigmoid Self-Attention"),
    row(
      139, "monotonic-groves", .verification,
      "part (additive model with groups), rule (monotone training), reading (violation report)",
      "How to address monotonicity for model risk management?"),
    row(
      140, "circuit-transformer", .verification,
      "part (model with constrained decoding), search (tree search over circuits)",
      "Circuit Transformer: A Transformer That Preserves Logical Equivalence"),
    row(
      141, "deeplift", .explanation, "reading",
      "Not Just a Black Box: Learning Important Features Through Propagating Activation Differences"),
    row(
      142, "swat-nn", .search, "search, rule",
      "SWAT-NN: Simultaneous Weights and Architecture Training for Neural Networks in a Latent Space"),
    row(
      143, "rcnet", .kan, "part, study",
      "On Enhancing Expressive Power via Compositions of Single Fixed-Size ReLU Network"),
    row(144, "neural-architecture-retrieval", .search, "reading, benchmark", "Neural Architecture Retrieval"),
    row(
      145, "rpo", .generation, "rule",
      "Subject-driven Text-to-Image Generation via Preference-based Reinforcement Learning"),
    row(146, "nac", .search, "search", "Do Not Train It: A Linear Neural Architecture Search of Graph Neural Networks"),
    row(147, "nonnegative", .neurons, "study + reading", "Why do networks have inhibitory/negative connections?"),
    row(
      148, "spiking-place-recognition", .spiking,
      "part (STDP network), rule (unsupervised plasticity + weighted read-out)",
      "Spiking Neural Networks for Visual Place Recognition via Weighted Neuronal Assignments"),
    row(
      149, "ftwt", .compression, "transform (network → dynamically pruned network), rule (decoupled mask learning)",
      "Fire Together Wire Together: A Dynamic Pruning Approach with Self-Supervised Mask Prediction"),
    row(
      150, "trainable-gate", .search, "part, transform",
      "Plug-in, Trainable Gate for Streamlining Arbitrary Neural Networks"),
    row(
      151, "inlp", .explanation, "transform",
      "Null It Out: Guarding Protected Attributes by Iterative Nullspace Projection"),
    row(
      152, "attentionless-transformers", .attention, "transform, study",
      "Rethinking Attention: Exploring Shallow Feed-Forward Neural Networks as an Alternative to Attention Layers in Transformers"
    ),
    row(
      153, "nafnet", .vision, "part (block and U-shaped model), study (which nonlinearities are needed)",
      "Simple Baselines for Image Restoration"),
    row(154, "nio", .operators, "part", "Neural Inverse Operators for Solving PDE Inverse Problems"),
    row(155, "memory-efficient-attention", .attention, "part", "Self-attention Does Not Need O(n^2) Memory"),
    row(
      156, "signed-supermask", .compression, "rule (training by masking), part (masked layers)",
      "Signing the Supermask: Keep, Hide, Invert"),
    row(
      157, "associative-memory-transformer", .attention, "study, reading, part",
      "Beyond Scaling Laws: Understanding Transformer Performance with Associative Memory"),
    row(
      158, "fre", .applications, "rule, part",
      "Unsupervised Zero-Shot Reinforcement Learning via Functional Reward Encodings"),
    row(
      159, "bignas", .search, "search, rule",
      "BigNAS: Scaling Up Neural Architecture Search with Big Single-Stage Models"),
    row(
      160, "moefication", .compression,
      "transform (feed-forward layer → mixture of experts), reading (activation sparsity)",
      "MoEfication: Transformer Feed-forward Layers are Mixtures of Experts"),
    row(
      161, "neuroformer", .applications,
      "part (model), rule (multi-objective pretraining), reading (connectivity from attention)",
      "Neuroformer: Multimodal and Multitask Generative Pretraining for Brain Data"),
    row(
      162, "onebench", .language, "benchmark, reading",
      "ONEBench to Test Them All: Sample-Level Benchmarking Over Open-Ended Capabilities"),
    row(
      163, "instatune", .search, "search, transform",
      "InstaTune: Instantaneous Neural Architecture Search During Fine-Tuning"),
    row(
      164, "neural-arithmetic-units", .neurons, "part (two units; two older units as baselines)",
      "Neural Arithmetic Units"),
    row(165, "scaling-mlps", .vision, "part, study", "Scaling MLPs: A Tale of Inductive Bias"),
    row(
      166, "self-compression", .compression,
      "rule (loss + differentiable bit width), transform (removes emptied channels)", "Self-Compressing Neural Networks"
    ),
    row(
      167, "neural-circuit-diagrams", .explanation,
      "reading (diagram, cost analysis), transform (diagram text to network)",
      "Neural Circuit Diagrams: Robust Diagrams for the Communication, Implementation, and Analysis of Deep Learning Architectures"
    ),
    row(168, "fan", .kan, "part", "FAN: Fourier Analysis Networks"),
    row(
      169, "error-free-sorting", .applications,
      "part (differentiable sorting layer, set transformer scorer), rule (losses for ordering)",
      "Generalized Neural Sorting Networks with Error-Free Differentiable Swap Functions"),
    row(170, "gold-nas", .search, "search", "GOLD-NAS: Gradual, One-Level, Differentiable"),
    row(
      171, "radd", .generation, "part, rule",
      "Your Absorbing Discrete Diffusion Secretly Models the Conditional Distributions of Clean Data"),
    row(
      172, "score-ntk", .generation, "study, reading",
      "Neural Network-Based Score Estimation in Diffusion Models: Optimization and Generalization"),
    row(173, "cfdm", .generation, "part", "Closed-Form Diffusion Models"),
    row(
      174, "modular-spiking-place-recognition", .spiking, "part (ensemble), rule (hyperactive-neuron regularization)",
      "Ensembles of Compact, Region-specific & Regularized Spiking Neural Networks for Scalable Place Recognition"),
    row(
      175, "grbfnet", .fields, "part",
      "Gaussian RBFNet: Gaussian Radial Basis Functions for Fast and Accurate Representation and Reconstruction of Neural Fields"
    ),
    row(
      176, "universal-tickets", .compression, "study, transform (prunes a random network to a given target)",
      "On the Existence of Universal Lottery Tickets"),
    row(
      177, "network-in-network", .vision,
      "part (mlpconv layer, global average pooling classifier), study (what global average pooling does to overfitting)",
      "Network In Network"),
    row(
      178, "noprop", .learning, "rule, part",
      "NoProp: Training Neural Networks without Back-propagation or Forward-propagation"),
    row(
      179, "neuralarts", .search, "transform, reading",
      "NeuralArTS: Structuring Neural Architecture Search with Type Theory"),
    row(
      180, "monet", .vision, "part (Mu-layer, block, pyramid model without activation functions)",
      "Multilinear Operator Networks"),
    row(
      181, "hap", .compression, "transform (structured pruning), reading (Hessian trace)",
      "Hessian-Aware Pruning and Optimal Neural Implant"),
    row(182, "loss-landscape", .explanation, "reading, study", "Visualizing the Loss Landscape of Neural Nets"),
    row(
      183, "sixteen-heads", .compression, "study, transform (head pruning)", "Are Sixteen Heads Really Better than One?"
    ),
    row(184, "graphfm", .applications, "benchmark", "GraphFM: A Comprehensive Benchmark for Graph Foundation Model"),
    row(
      185, "coda-no", .operators, "part, rule",
      "Pretraining Codomain Attention Neural Operators for Solving Multiphysics PDEs"),
    row(
      186, "instinct", .language, "search",
      "Use Your INSTINCT: INSTruction optimization for LLMs usIng Neural bandits Coupled with Transformers"),
    row(187, "tabpfn-study", .explanation, "study", "What exactly has TabPFN learned to do?"),
    row(
      188, "fnn", .operators, "part",
      "Functional Neural Networks: Shift invariant models for functional data with applications to EEG classification"),
    row(189, "symmetric-single-index", .theory, "rule, study", "Symmetric Single Index Learning"),
    row(190, "function-vectors", .explanation, "reading, transform", "Function Vectors in Large Language Models"),
    row(
      191, "stn", .learning, "search, rule",
      "Self-Tuning Networks: Bilevel Optimization of Hyperparameters using Structured Best-Response Functions"),
    row(192, "lhd", .search, "benchmark, search", "Rethink DARTS Search Space and Renovate a New Benchmark"),
    row(193, "ulr", .learning, "rule", "One Forward is Enough for Neural Network Training via Likelihood Ratio Method"),
    row(194, "draft", .generation, "rule", "Directly Fine-Tuning Diffusion Models on Differentiable Rewards"),
    row(
      195, "shufflenet-v2", .vision, "part, study",
      "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design"),
    row(
      196, "inffeed", .explanation, "rule, reading",
      "InfFeed: Influence Functions as a Feedback to Improve the Performance of Subjective Tasks"),
    row(
      197, "rmp-loss", .spiking, "rule (a loss term)",
      "RMP-Loss: Regularizing Membrane Potential Distribution for Spiking Neural Networks"),
    row(
      198, "comp", .compression, "transform (post-training structured pruning)",
      "Lightweight and Post-Training Structured Pruning for On-Device Large Lanaguage Models"),
  ]

  private static func row(
    _ number: Int, _ slug: String, _ family: Family, _ kind: String, _ title: String
  ) -> PublishedSystem {
    PublishedSystem(number: number, slug: slug, title: title, family: family, kind: kind)
  }
}
