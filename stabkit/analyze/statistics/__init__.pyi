from .bounds import CONFIDENCE as CONFIDENCE, LEVEL as LEVEL, Contrast as Contrast, MeanContrast as MeanContrast
from .bounds import QuantileBounds as QuantileBounds, QuantileContrast as QuantileContrast, RunNoise as RunNoise
from .bounds import MEDIAN as MEDIAN, alike_rounds as alike_rounds
from .bounds import as_ratio as as_ratio, clustered_quantile as clustered_quantile, holm_limit as holm_limit
from .bounds import level_of as level_of, one_sided_p as one_sided_p, p_worse as p_worse
from .bounds import paired_contrast as paired_contrast, quantile_of as quantile_of, serial_quantile as serial_quantile
from .bounds import smallest_level as smallest_level, t_quantile as t_quantile, t_quantiles as t_quantiles
from .bounds import welch_contrast as welch_contrast
from .metric_noise import MAX_ALARMS as MAX_ALARMS, MetricNoise as MetricNoise
from .placebo import LEAST_PLACEBOS as LEAST_PLACEBOS, LEAST_VALUES as LEAST_VALUES, MOST_PLACEBOS as MOST_PLACEBOS
from .placebo import PlaceboContrast as PlaceboContrast, cosine_variance as cosine_variance
from .power import MIN_ROUNDS as MIN_ROUNDS, MIN_SAMPLES as MIN_SAMPLES, OUT_OF_PROPORTION as OUT_OF_PROPORTION
from .power import START as START, more_samples as more_samples, need_for as need_for, with_power as with_power
from .rounds import FloatArray as FloatArray, Rounds as Rounds, quantile_rank as quantile_rank
from .rounds import read_rounds as read_rounds
from .segments import settle as settle
from .series import MIN_VALUES as MIN_VALUES, Series as Series, boundaries as boundaries, fit_levels as fit_levels
from .series import prepare as prepare, read_values as read_values
from .share_contrasts import USUAL as USUAL, PairedShares as PairedShares, Share as Share
from .share_contrasts import ShareContrast as ShareContrast, separate_shares as separate_shares
from .shares import clopper_pearson as clopper_pearson, fisher_exact as fisher_exact, sign_test as sign_test
from .shares import wilson as wilson, wilson_bounds as wilson_bounds
from .slopes import mann_kendall_p as mann_kendall_p, theil_sen as theil_sen
from .tails import LEAST_TAIL as LEAST_TAIL, SLOWEST as SLOWEST, TAIL as TAIL
from .tails import TailMean as TailMean, TailMeanContrast as TailMeanContrast
from .tails import tail_means as tail_means
from .bounds import neighbour_correlation as neighbour_correlation, widening as widening
