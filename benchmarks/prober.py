"""How late the prober sends by its own fault, with Python's garbage collection in its schedule and without.

    python benchmarks/prober.py [--quick]

Both send to the same server on loopback, 100 requests a round at 150 a second, block by block in turn. The modules that
a collection usually has imported are imported here too: what the collector walks through is what takes the time.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from pathlib import Path

import duckdb  # noqa: F401 - see above
import matplotlib.pyplot  # noqa: F401
import pandas as pd
import scipy.stats  # noqa: F401

from stabkit.config import HttpTarget
from stabkit.demo.certificates import write_certificates
from stabkit.demo.processes import running_service
from stabkit.demo.scenarios import write_service
from stabkit.probe.http.http_probe import HttpProbe

QUANTILES = (0.5, 0.9, 0.99, 0.999)


def measure(rounds: int) -> dict[str, pd.DataFrame]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_service(folder / "service")
        certificates = write_certificates(folder / "tls")
        with running_service(folder / "service", certificates) as service:
            target = HttpTarget(url=service.url("/health"), requests=100, rate=150, ca_file=certificates.authority)
            probes = {name: HttpProbe("health", target, url=target.url, root=folder) for name in ("with", "without")}
            for probe in probes.values():
                probe.open()
            for number in range(rounds):
                for name, probe in probes.items():
                    if name == "without":
                        gc.disable()
                    probe.run(number)
                    gc.enable()
            found = {name: probe.evidence()["samples"] for name, probe in probes.items()}
            for probe in probes.values():
                probe.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10 rounds instead of 40")
    found = measure(10 if parser.parse_args().quick else 40)
    print(
        f"{'garbage collection':20}"
        + "".join(f"{f'late p{100 * q:g}':>12}" for q in QUANTILES)
        + f"{'response p99':>14}"
    )
    for name, samples in found.items():
        late = samples["late_ms"].quantile(list(QUANTILES))
        row = "".join(f"{value:9.3f} ms" for value in late)
        print(f"{name:20}{row}{samples['response_ms'].quantile(0.99):11.2f} ms")
    ratio = found["with"]["late_ms"].quantile(0.99) / found["without"]["late_ms"].quantile(0.99)
    print(f"p99 of lateness, with over without: {ratio:.0f} times")


if __name__ == "__main__":
    main()
