/** onnxruntime-web as Node runs it: the same WASM as in a browser. */

/** @returns {Promise<typeof import("onnxruntime-web")>} */
export async function loadOrt() {
    return import("onnxruntime-web");
}
