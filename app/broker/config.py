"""Kafka's settings for one small KRaft node, and its logging."""

from collections.abc import Mapping, Sequence
from pathlib import Path

_FIXED = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    # A topic that nobody declared is a misspelt name, and would get the wrong settings.
    "auto.create.topics.enable": "false",
    # One node holds all replicas; few partitions make start and stop short.
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # A group of one machine has no members to wait for; tests use sessions of a second.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    # Long: a broker that was fenced because the machine was busy may lose transaction markers
    # (see fence.py), and there is no other broker to take over.
    "broker.session.timeout.ms": "90000",
    "log.retention.check.interval.ms": "60000",
    # The cleaner allocates this buffer at once, 128 MiB by default: a third of the heap.
    "log.cleaner.dedupe.buffer.size": str(16 << 20),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "4",
    "num.recovery.threads.per.data.dir": "2",
}

_LOGGING = """\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${sys:streamjoin.logs}/NAME.log
appender.file.filePattern = ${sys:streamjoin.logs}/NAME.%i.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{ISO8601} %p %c{1} %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
"""


def server_properties(port: int, controller_port: int, data: Path, extra: Mapping[str, str]) -> str:
    """Text of `server.properties`: listens on 127.0.0.1 only; `extra` wins over all else."""
    settings = {
        **_FIXED,
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(data),
        **extra,
    }
    return _lines(settings)


def _lines(settings: Mapping[str, str]) -> str:
    return "".join(f"{_escaped(key)}={_escaped(value)}\n" for key, value in settings.items())


def _escaped(text: str) -> str:
    """Escape for Java's properties format: backslash, line ends, and all but Latin-1."""
    safe = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    units = safe.encode("utf-16-be", "surrogatepass")
    pairs = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return "".join(chr(unit) if unit < 128 else f"\\u{unit:04x}" for unit in pairs)


def controller_properties(port: int, data: Path) -> str:
    """Settings of the same node as controller alone, which fences a silent broker in a second."""
    settings = {
        "process.roles": "controller",
        "node.id": "1",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT",
        "listeners": f"CONTROLLER://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{port}",
        "log.dirs": str(data),
        "broker.session.timeout.ms": "500",
        "broker.heartbeat.interval.ms": "100",
    }
    return _lines(settings)


FENCING_LOGGERS = ("org.apache.kafka.controller.ClusterControlManager",)
"""Who says, at level info, that a broker was fenced."""


def logging_properties(name: str = "server", info: Sequence[str] = ()) -> str:
    """Text of `log4j2.properties`: warnings and above, at most three files of 10 MB.

    `name` is the log file's, `info` are loggers that also say what is usual.
    """
    text = _LOGGING.replace("NAME", name)
    for number, logger in enumerate(info):
        text += f"logger.l{number}.name = {logger}\nlogger.l{number}.level = info\n"
    return text


def java_flags(java_major: int, heap_mb: int, folder: Path) -> list[str]:
    """Flags of the Java process: small, quick to start, and gone when its memory is."""
    # Newer Javas print warnings about what Kafka does; they would hide what matters.
    quiet = ["--enable-native-access=ALL-UNNAMED"] if java_major >= 22 else []
    quiet += ["--sun-misc-unsafe-memory-access=allow"] if java_major >= 24 else []
    return [
        *quiet,
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        f"-XX:ErrorFile={folder / 'logs' / 'crash.log'}",
        "-Djava.awt.headless=true",
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        f"-Dstreamjoin.logs={folder / 'logs'}",
        f"-Dlog4j2.configurationFile={(folder / 'log4j2.properties').as_uri()}",
    ]
