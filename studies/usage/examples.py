"""Two examples of each verb, as its help prints them after the program's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXAMPLES: Mapping[str, Sequence[str]] = {
    "run": (
        "run grow --study lobo --laptop",
        "run sweep --gpus 0,1 --timeout 8h --notify 'notify-send \"$STUDY: $REASON\"'",
    ),
    "demo": ("demo", "demo --out growth.html"),
    "init": (
        "init grid --command 'python train.py'",
        "init tune --command 'python train.py --epochs 3' --out lr.yaml --try",
    ),
    "status": ("status", "status lobo --watch"),
    "show": ("show lobo --whole", "show sweep --top 5 --where 'params < 1e6' --latex"),
    "logs": ("logs lobo 3", "logs lobo 3 --follow --tail 20"),
    "compare": ("compare one two", "compare one two --latex"),
    "best": ("best sweep", "best front --where 'milliseconds < 20'"),
    "audit": ("audit lobo", "audit lobo --json"),
    "replay": ("replay lobo", "replay lobo --cost vram"),
    "export": ("export sweep --as csv --out sweep.csv", "export one two --as csv"),
    "import": ("import runs.csv --study sweep --map lr=learning_rate", "import sqlite:///old.db --study tune-lr"),
    "retry": ("retry sweep --failed", "retry sweep --trial 3 --trial 7"),
    "redo": ("redo sweep --trial 3", "redo sweep --where 'lr == 0.1 and loss > 3'"),
    "drop": ("drop sweep --trial 3", "drop lobo --trial 12 --from-here --yes"),
    "report": ("report --study lobo", "report --study one --study two --out figures"),
    "stop": ("stop lobo", "stop --study lobo"),
    "rename": ("rename lobo lobo-2024", "rename --storage postgresql://team@db/studies old new"),
    "copy": ("copy lobo lobo-wider", "copy sweep sweep-backup"),
    "delete": ("delete lobo", "delete lobo --yes"),
    "tag": ("tag lobo paper=2 owner=ada", "tag lobo paper --remove"),
    "note": ("note lobo 'The jump at step 300 is the warmup.'", "note lobo --edit"),
    "dashboard": ("dashboard", "dashboard --port 0"),
    "studies": ("studies", "studies --json"),
    "gpus": ("gpus", "gpus --json"),
    "completion": ("completion bash", "completion zsh"),
    "data prepare": (
        "data prepare books --text book.txt --tokenizer bytes",
        "data prepare stories --hf roneneldan/TinyStories --tokenizer tiktoken:gpt2",
    ),
    "data list": ("data list", "data list --json"),
    "storage up": ("storage up", "storage up --listen 0.0.0.0:5432"),
    "storage down": ("storage down", "storage down  # data and studies stay"),
    "storage status": ("storage status", "storage status --json"),
    "storage url": ("storage url", "storage url --storage postgresql://team@db/studies"),
    "storage check": ("storage check", "storage check --storage postgresql://team@db/studies"),
    "storage upgrade": ("storage upgrade", "storage upgrade --storage postgresql://team@db/studies"),
    "storage backup": (
        "storage backup studies.dump",
        "storage backup --storage postgresql://team@db/studies team.dump",
    ),
    "storage restore": (
        "storage restore studies.dump",
        "storage restore --storage postgresql://team@db/empty studies.dump",
    ),
    "storage move": (
        "storage move postgresql://team@db/studies",
        "storage move postgresql://team@db/studies --study lobo",
    ),
}
