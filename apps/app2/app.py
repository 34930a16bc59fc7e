from flask import Flask

app = Flask("app2")


@app.get("/")
def index():
    return "this is response from app2"


@app.get("/health")
def health():
    return "ok"
