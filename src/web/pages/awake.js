// Keeps the display awake while the page is seen.

/**
 * The wake lock is for secure origins only. Elsewhere a video that plays does it: one of a stream from a canvas counts in
 * Chromium (video_wake_lock.cc) and Firefox (HTMLVideoElement.cpp) though it is muted and tiny, and takes no file.
 * @returns {Promise<boolean>} Whether it is certain.
 */
export async function keepAwake() {
  if (!("wakeLock" in navigator)) {
    await play().catch(() => {});
    return false;
  }
  // It is lost whenever the page is not seen.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      lock();
    }
  });
  return lock();
}

async function lock() {
  try {
    await navigator.wakeLock.request("screen");
    return true;
  } catch {
    // Such as for want of battery.
    return false;
  }
}

async function play() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 2;
  const pen = canvas.getContext("2d");
  const video = document.createElement("video");
  video.className = "awake";
  video.muted = true;
  video.playsInline = true;
  video.setAttribute("aria-hidden", "true");
  video.srcObject = canvas.captureStream();
  document.body.append(video);
  // A stream begins with what is drawn after it was made.
  pen?.fillRect(0, 0, 2, 2);
  await video.play();
}
