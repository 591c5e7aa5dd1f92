"""Fleet: a mirror that pyman has filled: nginx serves it to 200 installs at once, then an object store."""

import json
import math
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command, Sample, Series, run
from tests.benchmarks.releases import UnavailableError
from tests.benchmarks.rows import Measure, Row, skipped
from tests.benchmarks.surroundings import Home
from tests.support import nginx
from tests.support.builds import own_form

_CLIENTS = 200
_VERIFIED_AT_ONCE = 4
_SENT = re.compile(r'"GET (\S+) HTTP/1\.1" (\d+) (\d+)')
_NAME = "download-metadata.json"
# Fills two buckets of an S3-compatible store with a folder, one that everybody may read and one that nobody
# may without a signature, and prints a signed address for each file of that.
_FILL = """
import json, pathlib, sys, boto3
from botocore.client import Config
address, folder = sys.argv[1:]
store = boto3.client("s3", endpoint_url=address, region_name="us-east-1",
                     aws_access_key_id="key", aws_secret_access_key="hidden",
                     config=Config(signature_version="s3v4"))
for bucket in ("public", "private"):
    store.create_bucket(Bucket=bucket)
signed = {}
for path in pathlib.Path(folder).rglob("*"):
    name = path.relative_to(folder).as_posix()
    if path.is_file() and not name.startswith("."):
        store.upload_file(str(path), "public", name, ExtraArgs={"ACL": "public-read"})
        store.upload_file(str(path), "private", name)
        what = {"Bucket": "private", "Key": name}
        signed[name] = store.generate_presigned_url("get_object", Params=what, ExpiresIn=3600)
print(json.dumps(signed))
"""


def fleet(bench: Bench) -> list[Row]:
    """A folder that was synced, and all clients at once; then the same folder from an object store."""
    folder = bench.scratch / "mirror"
    _synced(bench, folder)
    return [*_at_once(bench, folder), *_from_store(bench, folder)]


def _synced(bench: Bench, folder: Path, *options: str) -> Series:
    if not options:
        own, _ = bench.releases.describe(bench.origin)
        options = ("--metadata", str(own), "--mirror", bench.origin)
    targets = ("--target", "linux-x86_64-gnu", "--target", "linux-x86_64-musl")
    command = (bench.programs.pyman, "mirror", "sync", str(folder), *targets, "--no-refresh", *options)
    sample = run(Command(command, bench.home().environment()))
    run(Command((bench.programs.pyman, "mirror", "check", str(folder)), bench.home().environment()))
    return Series((sample,))


def _at_once(bench: Bench, folder: Path) -> list[Row]:
    archive, work, port = bench.releases.gnu_313, bench.scratch / "nginx-fleet", nginx.free_port()
    work.mkdir()
    url = f"http://{nginx.LOOPBACK}:{port}"
    with nginx.serving(folder, work, port):
        alone = Series(tuple(_install(bench, bench.home(), url) for _ in range(bench.rounds)))
        (work / "access.log").write_bytes(b"")
        homes = [bench.home() for _ in range(_CLIENTS)]
        begin = time.perf_counter()
        with ThreadPoolExecutor(_CLIENTS) as pool:
            samples = list(pool.map(lambda home: _install(bench, home, url), homes))
        seconds = time.perf_counter() - begin
    sent = _bytes_sent(work / "access.log", archive.path, (folder / archive.path).stat().st_size)
    _verify(bench, homes)
    return _rows(samples, alone, seconds, sent)


def _install(bench: Bench, home: Home, url: str) -> Sample:
    environment = home.environment(PYMAN_MIRROR=url, PYMAN_METADATA=f"{url}/{_NAME}", PYMAN_REFRESH="never")
    return run(Command((bench.programs.pyman, "install", "--quiet", "3.13"), environment))


def _bytes_sent(log: Path, path: str, size: int) -> int:
    """All bytes that were sent; RuntimeError unless the archive was sent whole, once a client."""
    asked = _SENT.findall(log.read_text(encoding="utf-8"))
    archives = [(status, int(sent)) for name, status, sent in asked if name == f"/{path.replace('+', '%2B')}"]
    if archives != [("200", size)] * _CLIENTS:
        raise RuntimeError(f"{len(archives)} answers with {path}, of which not all are whole")
    return sum(int(sent) for _, _, sent in asked)


def _verify(bench: Bench, homes: Sequence[Home]) -> None:
    """See that every file of every installation is as it was installed; RuntimeError if one is not."""

    def verify(home: Home) -> None:
        command = (bench.programs.pyman, "verify", "--json")
        told = subprocess.run(command, env=home.environment(), capture_output=True, check=True).stdout
        if [each["intact"] for each in json.loads(told)["installations"]] != [True]:
            raise RuntimeError(f"{home.root}: not one installation that is whole")

    with ThreadPoolExecutor(_VERIFIED_AT_ONCE) as pool:
        list(pool.map(verify, homes))


def _rows(samples: Sequence[Sample], alone: Series, seconds: float, sent: int) -> list[Row]:
    times = sorted(sample.seconds for sample in samples)
    peak = max(sample.peak for sample in samples)
    slowest = f"p50 {_percentile(times, 50):.1f} s, p99 {_percentile(times, 99):.1f} s"
    much = f"{sent / 1e6:.0f} MB sent, the archive once a client"
    note = f"all whole in {seconds:.0f} s; {slowest}; {much}; {_CLIENTS / seconds:.1f} installs a second"
    subject = f"{_CLIENTS} `pyman install` at once, 10 MB for glibc"
    together, largest = Series(tuple(samples)), Series((Sample(seconds, 0.0, peak),))
    return [
        Row("fleet", subject, "one alone", together, alone, note=note),
        Row("fleet", f"{subject}, the largest", "", largest, limit=goals.PEAK_MIB, measure=Measure.PEAK),
    ]


def _percentile(times: Sequence[float], percent: int) -> float:
    """The smallest time within which so many of the hundred were done."""
    return times[math.ceil(len(times) * percent / 100) - 1]


def _from_store(bench: Bench, folder: Path) -> list[Row]:
    subject = "`pyman mirror sync` from an object store"
    try:
        with _store(bench) as address:
            signed = _filled(bench, address, folder)
            plain = _synced(bench, bench.scratch / "from-plain", "--from", f"{address}/public")
            rows = bench.scratch / "signed.json"
            archives = (bench.releases.gnu_312, bench.releases.gnu_313, bench.releases.musl_17_mb)
            document = own_form(archives).decode()
            for each in archives:
                document = document.replace(f'"{each.file}"', json.dumps(signed[each.path]))
            rows.write_text(document, encoding="utf-8")
            by_signature = _synced(bench, bench.scratch / "from-signed", "--metadata", str(rows))
            home = bench.home()
            environment = home.environment(PYMAN_METADATA=str(rows), PYMAN_REFRESH="never")
            installed = run(Command((bench.programs.pyman, "install", "3.13"), environment))
            straight = _install(bench, bench.home(), f"{address}/public")
    except UnavailableError as reason:
        return [skipped("fleet", f"{subject}: {reason}")]
    if "Signature" in (bench.scratch / "from-signed" / _NAME).read_text(encoding="utf-8"):
        raise RuntimeError("the metadata of the mirror have a signature in them")
    signed_install = Series((installed,))
    return [
        Row("fleet", f"{subject}, 39 MB", "by signed addresses", plain, by_signature),
        Row("fleet", "`pyman install` from one", "by a signed address", Series((straight,)), signed_install),
    ]


@contextmanager
def _store(bench: Bench) -> Iterator[str]:
    """Run moto's server, which speaks S3, and give its address."""
    program = bench.programs.prefix / "bin" / "moto_server"
    if not program.exists():
        raise UnavailableError(f"moto_server is not in {bench.programs.prefix}")
    port = nginx.free_port()
    address = f"http://{nginx.LOOPBACK}:{port}"
    with (bench.scratch / "moto.log").open("wb") as log:
        process = subprocess.Popen([program, "-H", nginx.LOOPBACK, "-p", str(port)], stdout=log, stderr=log)
        try:
            _wait_for(address)
            yield address
        finally:
            process.terminate()
            process.wait()


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urlopen(address).close()  # noqa: S310 - on this machine
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("moto_server does not answer")


def _filled(bench: Bench, address: str, folder: Path) -> dict[str, str]:
    command = [bench.programs.python, "-c", _FILL, address, str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found
