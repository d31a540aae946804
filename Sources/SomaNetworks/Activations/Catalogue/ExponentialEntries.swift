extension ActivationEntry {
  /// Exponential and square linear units (sections 3.7 and 3.8).
  static let exponentialAndSquare: [ActivationEntry] = {
    // swift-format-ignore
    return [
      row("maxsig", "Maxsig", "elu-based/3.7", .scalar, "max(x, sigmoid(x))", "-", "survey entry", notes: "crossover at x=0.6590461 (sigmoid(x)=x)"),
      row("thlu", "Tanh linear unit", "elu-based/3.7.1", .scalar, "where(x>=0, x, tanh(x/2))", "-", "survey entry", notes: "slope jumps from 1/2 to 1 at 0; ptelu(a=1, b=1/2)"),
      row("dual-elu", "DualELU", "elu-based/3.7.2", .multiInput, "elu(x1)-elu(x2)", "-", "Godin et al. 2018, arXiv 1707.08214", notes: "elu with a=1"),
      row("diffelu", "Difference ELU", "elu-based/3.7.3", .scalar, "where(x>=0, x, a*(x*exp(x)-b*exp(b*x)))", "a=0.3:a>0:fixed;b=0.1:b>=0, b<=1:fixed", "Hu et al. (there DELU)", notes: "jumps from -a*b to 0 at x=0 as printed"),
      row("iplu", "Inverse polynomial linear unit", "elu-based/3.7.5", .scalar, "where(x>=0, x, x/(1+abs(x)^a))", "a=2:a>0:fixed", "survey entry", notes: "two of three sources print 1/(1+abs(x)^a) for x<0, which jumps by 1 at 0 and has no 'small slope for negative inputs' as the text says; the continuous form x/(1+abs(x)^a) of the third is used; a=1 is signrelu(a=1). default chosen here"),
      row("polu", "Power linear unit", "elu-based/3.7.6", .scalar, "where(x>=0, x, (1-x)^(-a)-1)", "a=1.5:a>0:fixed", "Li, Ding & Li 2018, arXiv 1802.00212", stable: "where(x>=0, x, expm1(-a*log1p(-x)))", notes: "a=1 is signrelu(a=1); source tried 1, 1.5, 2. stable: expm1(-a*log1p(-x))"),
      row("pflu", "Power function linear unit", "elu-based/3.7.7", .scalar, "0.5*x*(1+x/sqrt(1+x^2))", "-", "Zhu, Min, Wang et al. 2021", stable: "r := sqrt(1+x^2); where(x>=0, 0.5*x*(1+x/r), 0.5*x/(r*(r-x)))", notes: "for x<0 use -0.5*abs(x)/(sqrt(1+x^2)*(sqrt(1+x^2)+abs(x)))"),
      row("fpflu", "Faster PFLU", "elu-based/3.7.8", .scalar, "where(x>=0, x, x+x^2/sqrt(1+x^2))", "-", "Zhu, Min, Wang et al. 2021"),
      row("eacu", "Elastic adaptively parametric compounded unit", "elu-based/3.7.9", .stochastic, "infer: where(x>=0, x, a*x*tanh(softplus(a*x))) ;; train: t := where(s>0.5, where(s<1.5, s, 1), 1); where(x>=0, t*x, a*x*tanh(softplus(a*x))) with s from Normal(1,0.1) per unit", "a=1:trained:per-channel", "survey entry", notes: "the survey prints mean 0 and variance 0.01 for s, with which the window (0.5, 1.5) would never be met; mean 1, standard deviation 0.1 is meant. Negative side is mish(a*x)"),
      row("lipschitz-relu", "L-ReLU", "elu-based/3.7.10", .composite, "where(x>0, max(p(x), 0), min(a*q(x), 0))", "a=0.25:a>=0:fixed;p=identity;q=identity", "Basirat & Roth 2020, arXiv 1910.12259", notes: "general form where(x>0, max(p(x),0), min(q(x),0)) for any p,q; here p=x, q=a*x, a = bound on the negative slope chosen from a data-dependent Lipschitz constant"),
      row("selu", "SELU", "elu-based/3.7.11", .scalar, "where(x>=0, a*x, a*b*expm1(x))", "a=1.0507009873554805:fixed;b=1.6732632423543772:fixed", "Klambauer, Unterthiner, Mayr & Hochreiter 2017, arXiv 1706.02515", notes: "fixed point: mean 0 and variance 1 are preserved for a standard normal input; use with LeCun-normal initialisation. Note one library carries b=1.6732631921 (typing error)"),
      row("lselu", "Leaky SELU", "elu-based/3.7.12", .scalar, "where(x>=0, a*x, a*b*expm1(x)+a*c*x)", "a=1.0507009873554805:fixed;b=1.6732632423543772:fixed;c=0.1:c>=0:fixed", "survey entry", notes: "c=0 is selu"),
      row("serlu", "SERLU", "elu-based/3.7.13", .scalar, "a*where(x>=0, x, b*x*exp(x))", "a=1.07862:a>0:fixed;b=2.90427:b>0:fixed", "Zhang & Li 2018, arXiv 1807.10117", notes: "minimum -a*b/exp(1) at x=-1"),
      row("sselu", "Scaled SELU", "elu-based/3.7.14", .scalar, "where(x>=0, a*x, a*b*expm1(c*x))", "a=1.0507009873554805:fixed;b=1.6732632423543772:fixed;c=0.5:c>0:fixed", "survey entry", notes: "c=1 is selu; default chosen here"),
      row("rsigelu", "RSigELU", "elu-based/3.7.15", .scalar, "where(x>1, a*x*sigmoid(x)+x, where(x>=0, x, a*expm1(x)))", "a=0.5:a>=0, a<1:fixed", "Kilicarslan & Celik 2021", notes: "a multiplies (it is not an exponent of the sigmoid: only so does a=0 give relu on x>0); jumps at x=1 by a*sigmoid(1)"),
      row("hardsrelue", "HardSReLUE", "elu-based/3.7.16", .scalar, "where(x>=0, a*x*clip((x+1)/2, 0, 1)+x, a*expm1(x))", "a=0.5:fixed", "Kilicarslan"),
      row("elish", "ELiSH", "elu-based/3.7.17", .scalar, "where(x>=0, x, expm1(x))*sigmoid(x)", "-", "Basirat & Roth 2018, arXiv 1808.00783"),
      row("hard-elish", "HardELiSH", "elu-based/3.7.18", .scalar, "where(x>=0, x, expm1(x))*clip((x+1)/2, 0, 1)", "-", "Basirat & Roth 2018, arXiv 1808.00783", notes: "printed (1+exp(-x)) for x<0 is a misprint for (exp(x)-1): with it the function would jump by 1 at 0"),
      row("rsigelud", "RSigELUD", "elu-based/3.7.19", .scalar, "where(x>1, a*x*sigmoid(x)+x, where(x>=0, x, b*expm1(x)))", "a=0.5:a>=0, a<1:fixed;b=0.3:b>=0, b<1:fixed", "Kilicarslan & Celik 2021", notes: "a=b is rsigelu"),
      row("ls-relu", "LS-ReLU", "elu-based/3.7.20", .scalar, "where(x<=0, x/(1+abs(x)), where(x<=b, x, log1p(a*x)+abs(log1p(a*b)-b)))", "a=1:a>0:fixed;b=1:b>0:fixed", "Wang et al.", notes: "continuous at b when log1p(a*b)<=b; the source leaves open whether a,b are trained"),
      row("sqnl", "SQNL", "square-based/3.8.1", .scalar, "where(x>2, 1, where(x>=0, x-x^2/4, where(x>=-2, x+x^2/4, -1)))", "-", "Wuraola & Patel 2018", notes: "as corrected by the survey; u := clip(x,-2,2); u-u*abs(u)/4 in one expression"),
      row("sqlu", "Square linear unit", "square-based/3.8.2", .scalar, "where(x>0, x, where(x>=-2, x+x^2/4, -1))", "-", "Wuraola & Patel 2021"),
      row("squish", "Square swish", "square-based/3.8.3", .scalar, "where(x>0, x+x^2/32, where(x>=-2, x+x^2/2, 0))", "-", "Wuraola & Patel 2021", notes: "minimum -1/2 at x=-1"),
      row("sqreu", "Square REU", "square-based/3.8.4", .scalar, "where(x>0, x, where(x>=-2, x+x^2/2, 0))", "-", "Wuraola & Patel 2021"),
      row("sqsoftplus", "Square softplus", "square-based/3.8.5", .scalar, "where(x>1/2, x, where(x>=-1/2, (x+1/2)^2/2, 0))", "-", "Wuraola & Patel 2021", notes: "(x+1/2)^2/2 = x+(x-1/2)^2/2; the variant x+(x+1/2)^2/2 found in one source is discontinuous. C1"),
      row("logsqnl", "LogSQNL, square logistic", "square-based/3.8.6", .scalar, "where(x>2, 1, where(x>=0, (x-x^2/4)/2+1/2, where(x>=-2, (x+x^2/4)/2+1/2, 0)))", "-", "Wuraola & Patel 2021", notes: "(1+sqnl(x))/2"),
      row("sqmax", "Square softmax", "square-based/3.8.7", .vector, "u := x+c; s := axissum(u^2); where(s>0, u^2/s, 1/axissum(1+0*x))", "c=4:fixed", "Wuraola & Patel 2021", notes: "not shift invariant; entries below -c grow again: inputs are expected in [-c, inf); 0/0 when all x=-c is returned as 1/n"),
      row("linq", "Linear quadratic activation", "square-based/3.8.8", .scalar, "t := 2-2*a; where(x>=t, a*x+(1-a)^2, where(x>-t, 0.25*x*(4-abs(x)), a*x-(1-a)^2))", "a=0.1:a>=0, a<1:fixed", "survey entry", notes: "printed outer branches a*x+(1-2*x+x^2) are a misprint for the constant (1-2*a+a^2): only so are they linear with slope a, and the function C1; a=0 is sqnl"),
      row("isrlu", "ISRLU", "square-based/3.8.9", .scalar, "where(x>=0, x, x/sqrt(1+a*x^2))", "a=1:a>0:fixed", "Carlile, Delamarter, Kinney, Marti & Whitney 2017, arXiv 1710.09967", notes: "lower bound -1/sqrt(a)"),
      row("isru", "ISRU", "square-based/3.8.10", .scalar, "x/sqrt(1+a*x^2)", "a=1:a>0:fixed", "Carlile et al. 2017, arXiv 1710.09967"),
      row("modified-elliott", "MEF", "square-based/3.8.11", .scalar, "x/sqrt(1+x^2)+1/2", "-", "Burhani, Feng & Hu 2015", notes: "isru(a=1)+1/2, range (-1/2, 3/2)"),
    ]
  }()
}
