from flask import Flask

app = Flask("app1")


@app.get("/")
def index():
    return "this is response from app1"


@app.get("/health")
def health():
    return "ok"
